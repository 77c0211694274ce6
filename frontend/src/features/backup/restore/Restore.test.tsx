import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { delay, http, HttpResponse, type HttpHandler } from "msw";
import { expect, it } from "vitest";

import { API, renderConsole } from "../../../testing/render";
import { job, operation, page, plan, problem, restore } from "../../../testing/samples";
import { server } from "../../../testing/setup";

const JOB = job();
const BAD = job({ uuid: "66666666-6666-4666-8666-666666666666", job_name: "newer", trust: "DAMAGED" });
const PART = job({ uuid: "77777777-7777-4777-8777-777777777777", job_name: "rows", backup_type: "DATABASE" });
const LEFT = job({ uuid: "77777777-7777-4777-8777-777777777778", job_name: "before", trigger: "PRE_RESTORE" });
const WHOLE = {
  backup: JOB.uuid,
  name: "",
  only: "",
  paths: [],
  tables: [],
  leave_out: [],
  safety_backup: true,
  drop_access: null,
};
const CHOICES = { ...WHOLE, target: "live" };
const OPERATION = operation({
  kind: "PLAN",
  status: "COMPLETED",
  arguments: { ...CHOICES, upload: "" },
  completed_at: "2026-11-24T12:00:02Z",
});
const RESTORE = restore();
const SUGGESTION = { job: JOB, is_whole: true, notes: ["newer is DAMAGED: this is the newest backup before it."] };

function serve(...handlers: HttpHandler[]) {
  server.use(
    ...handlers,
    http.get(`${API}/jobs/`, () => HttpResponse.json(page(BAD, LEFT, PART, JOB))),
    http.get(`${API}/restores/suggestion/`, () => HttpResponse.json(SUGGESTION)),
    http.get(`${API}/jobs/${JOB.uuid}/`, () => HttpResponse.json(JOB)),
    http.get(`${API}/operations/`, () => HttpResponse.json(page())),
    http.get(`${API}/operations/${OPERATION.uuid}/`, () => HttpResponse.json({ ...OPERATION, result: plan() })),
    http.get(`${API}/restores/`, () => HttpResponse.json(page(RESTORE))),
    http.get(`${API}/restores/${RESTORE.uuid}/`, () => HttpResponse.json(RESTORE)),
    http.get(`${API}/uploads/`, () => HttpResponse.json(page())),
  );
}

it("suggests the latest backup, lists the skipped ones, and shows all others with their trust level", async () => {
  serve();
  const { container } = renderConsole("/restore");
  expect((await screen.findByRole("link", { name: "Use this backup" })).getAttribute("href")).toBe(
    `/restore?backup=${JOB.uuid}`,
  );
  expect(screen.getByText(/newer is DAMAGED/)).toBeTruthy();
  const doubtful = screen.getByRole("link", { name: /^Restore .*newer/ });
  expect(within(doubtful).getByText(/^Damaged: a restore fails/)).toBeTruthy();
  const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
});

it("says when the suggestion is incomplete, and why there is none", async () => {
  const part = { job: PART, is_whole: false, notes: ["No backup is better than rows, which holds no files."] };
  serve(http.get(`${API}/restores/suggestion/`, () => HttpResponse.json(part)));
  const { unmount } = renderConsole("/restore");
  expect(await screen.findByText(/THIS BACKUP DOES NOT CONTAIN EVERYTHING/)).toBeTruthy();
  expect(screen.getByText(/holds no files/)).toBeTruthy();
  unmount();
  const none = { job: null, is_whole: false, notes: ["The storage is away."] };
  serve(http.get(`${API}/restores/suggestion/`, () => HttpResponse.json(none)));
  renderConsole("/restore");
  expect(await screen.findByText(/The storage is away/)).toBeTruthy();
});

it("follows the search in the address", async () => {
  const asked: (string | null)[] = [];
  serve(
    http.get(`${API}/jobs/`, ({ request }) => {
      asked.push(new URL(request.url).searchParams.get("search"));
      return HttpResponse.json(page(JOB));
    }),
  );
  const { user } = renderConsole("/restore?q=night");
  const field = await screen.findByRole("searchbox", { name: "Search by name" });
  expect(field).toHaveProperty("value", "night");
  await user.type(field, "ly");
  await waitFor(() => expect(asked).toEqual(["night", "nightly"]));
});

it("leads from a backup and its plan to a restore, which requires the exact name", async () => {
  const asked: unknown[] = [];
  serve(
    http.post(`${API}/restores/plan/`, async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json({ ...OPERATION, status: "PENDING" }, { status: 202 });
    }),
    http.post(`${API}/restores/`, async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json({ restore: RESTORE, operation: OPERATION }, { status: 201 });
    }),
  );
  const { user } = renderConsole(`/restore?backup=${JOB.uuid}`);
  await user.click(await screen.findByRole("radio", { name: "Remove all: all users must sign in again" }));
  await user.click(screen.getByRole("button", { name: "Create plan" }));
  const files = await screen.findByRole("table", { name: "Files that differ" });
  expect(
    within(files)
      .getAllByRole("cell")
      .map((one) => one.textContent),
  ).toEqual(["media", "13", "2", "4", "1,185"]);
  expect(screen.getByRole("row", { name: "documents_document 1,200 1,187 +13" })).toBeTruthy();
  expect(await screen.findByText("stop the application first")).toBeTruthy();
  expect(screen.getByText("users (auth.User): 4 in the backup, 3 now")).toBeTruthy();
  const begin = screen.getByRole("button", { name: "Replace live system" });
  const name = screen.getByRole("textbox", { name: /Type the name/ });
  await user.click(name);
  await user.paste(JOB.job_name.slice(1));
  expect(begin).toHaveProperty("disabled", true);
  await user.clear(name);
  await user.paste(JOB.job_name);
  await user.click(begin);
  expect(await screen.findByText("restoring the files")).toBeTruthy();
  expect(asked).toEqual([
    { ...CHOICES, drop_access: true },
    { ...CHOICES, confirm: JOB.job_name, plan: OPERATION.uuid },
  ]);
});

it.each([200, 240])("keeps a plan that arrives %i ms after the last keystroke", async (milliseconds) => {
  serve(
    http.post(`${API}/restores/plan/`, async () => {
      await delay(milliseconds);
      return HttpResponse.json(OPERATION, { status: 202 });
    }),
  );
  const { user } = renderConsole(`/restore?backup=${JOB.uuid}`);
  await user.click(await screen.findByRole("radio", { name: "New folder" }));
  await user.type(screen.getByRole("textbox", { name: /Folder name/ }), "looked");
  await user.click(screen.getByRole("button", { name: "Create plan" }));
  expect(await screen.findByText("stop the application first")).toBeTruthy();
  // Longer than the delay between a keystroke and its change of the address.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(screen.getByText("stop the application first")).toBeTruthy();
});

it("restores selected tables into a new database", async () => {
  const asked: Record<string, unknown>[] = [];
  const tables = [
    { database: "default", name: "documents_document", rows: 1200 },
    { database: "default", name: "auth_user", rows: 1 },
  ];
  serve(
    http.get(`${API}/jobs/${JOB.uuid}/tables/`, () => HttpResponse.json({ results: tables })),
    http.post(`${API}/restores/plan/`, async ({ request }) => {
      asked.push((await request.json()) as Record<string, unknown>);
      return HttpResponse.json({ ...OPERATION, status: "PENDING" }, { status: 202 });
    }),
  );
  const { user } = renderConsole(`/restore?backup=${JOB.uuid}`);
  await user.click(await screen.findByRole("radio", { name: "Selected tables" }));
  expect(screen.getByRole("radio", { name: "New database" })).toHaveProperty("checked", true);
  expect(screen.getByRole("radio", { name: "New folder" })).toHaveProperty("disabled", true);
  await user.type(screen.getByLabelText("Tables", { selector: "input" }), "docu");
  await user.click(await screen.findByRole("option", { name: /^documents_document ?1,200 rows$/, hidden: true }));
  await user.type(screen.getByLabelText("Tables", { selector: "input" }), "of_old{Enter}");
  await user.type(screen.getByRole("textbox", { name: /^Database name/ }), "looked");
  await user.click(screen.getByRole("button", { name: "Create plan" }));
  await waitFor(() => expect(asked[0]?.["tables"]).toEqual(["documents_document", "of_old"]));
  expect(asked[0]?.["target"]).toBe("database");
});

it("returns from selected tables to everything, and accepts names where the tables cannot be listed", async () => {
  const refused = () => HttpResponse.json(problem(503, "There is no passphrase."), { status: 503 });
  serve(http.get(`${API}/jobs/${JOB.uuid}/tables/`, refused));
  const { user } = renderConsole(`/restore?backup=${JOB.uuid}`);
  await user.click(await screen.findByRole("radio", { name: "Selected tables" }));
  await screen.findByText(/Cannot list the tables of the backup: There is no passphrase/);
  await user.type(screen.getByLabelText("Tables", { selector: "input" }), "auth_user{Enter}");
  expect(screen.getByText("auth_user")).toBeTruthy();
  await user.click(screen.getByRole("radio", { name: "Everything" }));
  expect(screen.getByRole("radio", { name: "Live system" })).toHaveProperty("disabled", false);
});

it("offers no start where the plan has obstacles", async () => {
  const blocked = { ...OPERATION, result: plan(["there is no room on /srv"]) };
  serve(http.get(`${API}/operations/${OPERATION.uuid}/`, () => HttpResponse.json(blocked)));
  renderConsole(`/restore?backup=${JOB.uuid}&plan=${OPERATION.uuid}`);
  expect(await screen.findByText("there is no room on /srv")).toBeTruthy();
  expect(screen.queryByRole("button", { name: /Replace/ })).toBeNull();
});

it("shows the end of a restore that has signed its user out", async () => {
  const tickets: (string | null)[] = [];
  let isSwapped = false;
  serve(
    http.get(`${API}/restores/${RESTORE.uuid}/`, () =>
      isSwapped
        ? HttpResponse.json(problem(401, "Sign in."), { status: 401 })
        : HttpResponse.json({ ...RESTORE, status: "RUNNING" }),
    ),
    http.post(`${API}/restores/${RESTORE.uuid}/watch/`, () =>
      HttpResponse.json({ ticket: "signed", expires_at: "2026-11-26T12:00:00Z" }, { status: 201 }),
    ),
    http.get(`${API}/restores/${RESTORE.uuid}/watch/`, ({ request }) => {
      tickets.push(request.headers.get("X-Restore-Ticket"));
      const status = tickets.length > 1 ? "COMPLETED" : "RUNNING";
      return HttpResponse.json({ uuid: RESTORE.uuid, status, rollback_state: "AVAILABLE", counts: { files: 3 } });
    }),
  );
  renderConsole(`/restores/${RESTORE.uuid}`);
  await screen.findByText("Running");
  isSwapped = true;
  expect(await screen.findByText(/This page follows it to its end/, {}, { timeout: 5_000 })).toBeTruthy();
  expect(await screen.findByText(/^Restored\./, {}, { timeout: 5_000 })).toBeTruthy();
  expect(screen.getByText(/Sign in again with a name and a password/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Sign in" })).toBeTruthy();
  expect(screen.getByText("Files: 3")).toBeTruthy();
  // Without a session, neither can be asked for.
  expect(screen.queryByRole("button", { name: "Roll back…" })).toBeNull();
  expect(tickets[0]).toBe("signed");
});

it("keeps the last known state of a restore during the swap, and polls", async () => {
  let asked = 0;
  serve(
    http.get(`${API}/restores/${RESTORE.uuid}/`, () => {
      asked += 1;
      if (asked === 2) {
        return HttpResponse.json(problem(401, "The session has ended."), { status: 401 });
      }
      const done = { ...RESTORE, status: "COMPLETED", rollback_state: "AVAILABLE", counts: { files: 40 } };
      return HttpResponse.json(asked === 1 ? RESTORE : done);
    }),
  );
  renderConsole(`/restores/${RESTORE.uuid}`);
  expect(await screen.findByText(/You are signed out.*The restore continues/)).toBeTruthy();
  expect(screen.getByText("Last known phase: restoring the files")).toBeTruthy();
  expect(await screen.findByText("Files: 40")).toBeTruthy();
  expect(screen.queryByText(/You are signed out/)).toBeNull();
}, 10_000);

it("offers to cancel until the swap starts, and then gives the reason", async () => {
  let cancellable = true;
  const own = () => operation({ kind: "RESTORE", restore: RESTORE.uuid, cancellable });
  const refused = "It is swapping the live system and cannot be cancelled any more.";
  serve(
    http.get(`${API}/operations/`, () => HttpResponse.json(page(own()))),
    http.post(`${API}/restores/${RESTORE.uuid}/cancel/`, () => {
      cancellable = false;
      return HttpResponse.json(problem(409, refused), { status: 409 });
    }),
  );
  const { user } = renderConsole(`/restores/${RESTORE.uuid}`);
  await user.click(await screen.findByRole("button", { name: "Cancel restore…" }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByRole("button", { name: "Cancel restore" }));
  expect(await screen.findByText(/^Swapping the live system. This step cannot be cancelled/)).toBeTruthy();
  expect(screen.getByRole("alert").textContent).toContain(refused);
  await waitFor(() => expect(screen.queryByRole("button", { name: "Cancel restore…" })).toBeNull());
  await waitFor(() => expect(document.activeElement?.textContent).toMatch(/^Restore of /));
});

it("rolls back only after the typed name", async () => {
  const sent: unknown[] = [];
  const rollback = { ...OPERATION, kind: "ROLLBACK", status: "RUNNING" };
  serve(
    http.get(`${API}/restores/${RESTORE.uuid}/`, () =>
      HttpResponse.json({ ...RESTORE, status: "COMPLETED", rollback_state: "AVAILABLE" }),
    ),
    http.post(`${API}/restores/${RESTORE.uuid}/rollback/`, async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(rollback, { status: 202 });
    }),
  );
  const { user } = renderConsole(`/restores/${RESTORE.uuid}`);
  await user.click(await screen.findByRole("button", { name: "Roll back…" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByRole("button", { name: "Roll back" })).toHaveProperty("disabled", true);
  await user.click(within(dialog).getByRole("textbox"));
  await user.paste(JOB.job_name);
  await user.keyboard("{Enter}");
  await waitFor(() => expect(sent).toEqual([{ safety_backup: true }]));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

it("lists what a release deletes for good", async () => {
  const changes = {
    since: "2026-11-24T12:00:00Z",
    tables: [
      { database: "default", table: "public.letters", before: 5, after: 6, written: null },
      { database: "default", table: "public.papers", before: 7, after: 7, written: 2 },
    ],
    uncounted: [],
    files: [{ root: "media", before: 40, after: 41, written: 1, examples: ["late.txt"] }],
    unknown: [],
  };
  serve(
    http.get(`${API}/restores/${RESTORE.uuid}/`, () =>
      HttpResponse.json({ ...RESTORE, status: "COMPLETED", rollback_state: "AVAILABLE", changes }),
    ),
  );
  const { user } = renderConsole(`/restores/${RESTORE.uuid}`);
  await user.click(await screen.findByRole("button", { name: "Release previous state…" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText("public.letters: 5 rows in the backup, 6 at the swap")).toBeTruthy();
  expect(
    within(dialog).getByText("public.papers: 7 rows in the backup, 7 at the swap, 2 added or changed"),
  ).toBeTruthy();
  expect(within(dialog).getByText(/^media: 40 files in the backup, 41 at the swap, 1 new or changed/)).toBeTruthy();
});

it("shows pending approvals", async () => {
  const waiting = { ...OPERATION, kind: "RESTORE", status: "AWAITING_APPROVAL" };
  const refused = "You requested this operation. Another user must approve or reject it.";
  serve(
    http.get(`${API}/operations/`, () => HttpResponse.json(page(waiting))),
    http.post(`${API}/operations/${OPERATION.uuid}/approve/`, () =>
      HttpResponse.json(problem(403, refused), { status: 403 }),
    ),
  );
  const { user } = renderConsole("/restore");
  await user.click(await screen.findByRole("button", { name: /^Approve: Restore: .* to the live system/ }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Approve" }));
  expect(await screen.findByText(refused)).toBeTruthy();
});

it("does not let users approve their own requests, but lets them withdraw these", async () => {
  const own = operation({ kind: "RESTORE", status: "AWAITING_APPROVAL", requested_by: "grace" });
  serve(http.get(`${API}/operations/`, () => HttpResponse.json(page(own))));
  renderConsole("/restore");
  expect(await screen.findByText(/^Requested by you/)).toBeTruthy();
  expect(screen.getByRole("button", { name: /^Withdraw/ })).toBeTruthy();
  expect(screen.queryByRole("button", { name: /gree:/ })).toBeNull();
});
