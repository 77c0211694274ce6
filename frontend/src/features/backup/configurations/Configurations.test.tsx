import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { http, HttpResponse, type HttpHandler } from "msw";
import { expect, it } from "vitest";

import { API, renderConsole } from "../../../testing/render";
import { configuration, job, page, problem, RIGHTS, statistics, status } from "../../../testing/samples";
import { server } from "../../../testing/setup";

const JOB = job();
const CONFIGURATION = configuration({ last_run: { ...JOB, uuid: "5", status: "FAILED", trust: "" }, last_good: JOB });
const ONE = `${API}/configurations/${CONFIGURATION.uuid}/`;
const OFF = configuration({ uuid: "99999999-9999-4999-8999-999999999999", name: "by hand", is_enabled: false });
const LATE = {
  configuration: CONFIGURATION.uuid,
  name: "nightly",
  last_good_at: JOB.started_at,
  fresh_until: "2026-11-25T04:00:00Z",
  late_since: "2026-11-25T04:00:00Z",
  next_run: null,
};

const SCHEDULE = { schedule_in_words: "daily at 02:00", time_zone: "UTC", runs_by_schedule: true, next_runs: [] };

function serve(...handlers: HttpHandler[]) {
  server.use(
    ...handlers,
    http.get(ONE, () => HttpResponse.json(CONFIGURATION)),
    http.get(`${API}/operations/`, () => HttpResponse.json(page())),
    http.post(`${ONE}retention/`, () => HttpResponse.json({ kept: 0, going: 0, verdicts: [] })),
    http.get(`${ONE}schedule/`, () => HttpResponse.json(SCHEDULE)),
    http.get(`${API}/jobs/`, () => HttpResponse.json(page(JOB))),
    http.get(`${API}/system/statistics/`, () => HttpResponse.json(statistics())),
    http.post(`${API}/configurations/preview/`, () => HttpResponse.json(problem(400, "Not now."), { status: 400 })),
    http.get(`${API}/configurations/`, () => HttpResponse.json(page(CONFIGURATION, OFF))),
    http.get(`${API}/system/status/`, () => HttpResponse.json(status({ freshness: [LATE] }))),
  );
}

const rowOf = async (name: string) => (await screen.findByRole("link", { name })).closest("tr") as HTMLElement;

it("shows disabled configurations, the result of the last run and the age of the last good backup", async () => {
  serve();
  const { container } = renderConsole("/configurations");
  const row = await rowOf("nightly");
  expect(await within(row).findByText("Failed")).toBeTruthy();
  expect(within(row).getByText("Verified")).toBeTruthy();
  expect(within(row).getByText(/^Overdue since/)).toBeTruthy();
  const off = await rowOf("by hand");
  expect(await within(off).findByText("No good backup yet")).toBeTruthy();
  expect(within(off).getByRole("switch", { name: /by hand/ })).toHaveProperty("checked", false);
  const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
});

it("offers users who may only view it nothing but the history", async () => {
  serve(http.get(`${API}/system/rights/`, () => HttpResponse.json({ user: "grace", rights: ["view_backups"] })));
  const { user } = renderConsole("/configurations");
  const row = await rowOf("nightly");
  expect(await within(row).findByText("Failed")).toBeTruthy();
  expect(within(row).getByRole("switch")).toHaveProperty("disabled", true);
  await user.click(within(row).getByRole("button"));
  expect((await screen.findAllByRole("menuitem")).map((one) => one.textContent)).toEqual(["History"]);
  expect(screen.queryByRole("link", { name: "New configuration" })).toBeNull();
});

it("shows a configuration read-only to users who may only view it, and none to create", async () => {
  serve(http.get(`${API}/system/rights/`, () => HttpResponse.json({ user: "grace", rights: ["view_backups"] })));
  const { unmount } = renderConsole(`/configurations/${CONFIGURATION.uuid}/edit`);
  expect(await screen.findByText("Runs daily at 02:00.")).toBeTruthy();
  expect(screen.getByLabelText(/^Name/).matches(":disabled")).toBe(true);
  expect(screen.queryByText("Save")).toBeNull();
  unmount();
  renderConsole("/configurations/new");
  expect(await screen.findByText("You have no permission to create configurations.")).toBeTruthy();
});

it("keeps a draft when the user leaves the drawer in another way", async () => {
  serve();
  const address = `/configurations/${CONFIGURATION.uuid}/edit`;
  const first = renderConsole(address);
  await first.user.type(await screen.findByLabelText("Description"), ", and more");
  first.unmount();
  // Another user of the same browser does not see the draft.
  serve(http.get(`${API}/system/rights/`, () => HttpResponse.json({ user: "linus", rights: RIGHTS })));
  const other = renderConsole(address);
  expect(await screen.findByLabelText("Description")).toHaveProperty("value", "Everything, every night");
  expect(screen.queryByText(/^Your unsaved changes were restored/)).toBeNull();
  other.unmount();
  serve(http.get(`${API}/system/rights/`, () => HttpResponse.json({ user: "grace", rights: RIGHTS })));
  const second = renderConsole(address);
  expect(await screen.findByText(/^Your unsaved changes were restored/)).toBeTruthy();
  expect(screen.getByLabelText("Description")).toHaveProperty("value", "Everything, every night, and more");
  await second.user.click(screen.getByRole("button", { name: "Cancel" }));
  second.unmount();
  renderConsole(address);
  expect(await screen.findByLabelText("Description")).toHaveProperty("value", "Everything, every night");
});

it("saves only the changed fields, because another user may have changed the rest", async () => {
  let row = CONFIGURATION;
  const sent: unknown[] = [];
  serve(
    http.get(ONE, () => HttpResponse.json(row)),
    http.patch(ONE, async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(row);
    }),
  );
  const address = `/configurations/${CONFIGURATION.uuid}/edit`;
  const first = renderConsole(address);
  await first.user.type(await screen.findByLabelText("Description"), "!");
  first.unmount();
  row = { ...CONFIGURATION, retention_days: 365, description: "Mine" };
  const { user } = renderConsole(address);
  await user.click(await screen.findByRole("button", { name: "Save" }));
  await waitFor(() => expect(sent).toEqual([{ description: "Everything, every night!" }]));
});

it("sends the typed search to the server", async () => {
  const asked: string[] = [];
  serve(
    http.get(`${API}/configurations/`, ({ request }) => {
      asked.push(new URL(request.url).searchParams.get("search") ?? "");
      return HttpResponse.json(page(CONFIGURATION));
    }),
  );
  const { user } = renderConsole("/configurations?view=grid");
  await user.type(await screen.findByRole("searchbox"), "night");
  await waitFor(() => expect(asked.at(-1)).toBe("night"));
});

it("switches at once, and back when the server refuses", async () => {
  let refuse: () => void = () => {};
  const refused = new Promise<void>((done) => (refuse = done));
  serve(
    http.post(`${ONE}disable/`, async () => {
      await refused;
      return HttpResponse.json(problem(403, "You have no right to do this."), { status: 403 });
    }),
  );
  const { user } = renderConsole("/configurations");
  const toggle = await screen.findByRole("switch", { name: /nightly/ });
  await user.click(toggle);
  expect(toggle).toHaveProperty("checked", false);
  refuse();
  expect(await screen.findByText("You have no right to do this.")).toBeTruthy();
  await waitFor(() => expect(toggle).toHaveProperty("checked", true));
});

it("shows the message of the server when a run cannot start", async () => {
  const said = { status: "conflict", message: "nightly runs already.", job_id: JOB.uuid };
  serve(http.post(`${ONE}run-now/`, () => HttpResponse.json(said, { status: 409 })));
  const { user } = renderConsole("/configurations");
  await user.click(await screen.findByRole("button", { name: "Run now: nightly" }));
  expect(await screen.findByText(/nightly runs already/)).toBeTruthy();
  expect(screen.getByRole("link", { name: "Open job" }).getAttribute("href")).toBe(`/history/${JOB.uuid}`);
});

it("shows the schedule while the user types, and the errors of the server at their fields", async () => {
  const schedule = {
    schedule_in_words: "daily at 02:00",
    time_zone: "UTC",
    runs_by_schedule: true,
    next_runs: ["2026-11-25T02:00:00Z"],
  };
  const taken = problem(400, "The request is not valid.", [{ field: "name", message: "There is one already." }]);
  serve(
    http.post(`${API}/configurations/preview/`, () => HttpResponse.json(schedule)),
    http.post(`${API}/configurations/`, () => HttpResponse.json(taken, { status: 400 })),
  );
  const { user } = renderConsole("/configurations/new");
  expect(await screen.findByText("Runs daily at 02:00.")).toBeTruthy();
  expect(screen.getByText(/older than 30 days, or when 30 newer backups/)).toBeTruthy();
  // By label, because a query by role searches the whole page and takes long.
  const name = screen.getByLabelText(/^Name/);
  await user.click(name);
  await user.paste("nightly");
  await user.keyboard("{Enter}");
  expect(await screen.findByText("There is one already.")).toBeTruthy();
  expect(name.getAttribute("aria-invalid")).toBe("true");
});

it("deletes after the typed name, says that backups remain, and returns the focus on cancel", async () => {
  let deleted = 0;
  serve(
    http.delete(ONE, () => {
      deleted += 1;
      return new HttpResponse(null, { status: 204 });
    }),
  );
  const { user } = renderConsole("/configurations");
  const more = await screen.findByRole("button", { name: "More actions for nightly" });
  const open = async () => {
    await user.click(more);
    // Without a layout, the menu assumes that its button is scrolled away, and hides.
    await user.click(await screen.findByRole("menuitem", { name: "Delete…", hidden: true }));
    return screen.findByRole("dialog");
  };
  await user.click(within(await open()).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await waitFor(() => expect(document.activeElement).toBe(more));
  const dialog = await open();
  expect(within(dialog).getByText(/Retention no longer removes them/)).toBeTruthy();
  const confirm = within(dialog).getByRole("button", { name: "Delete configuration" });
  expect(confirm).toHaveProperty("disabled", true);
  await user.click(within(dialog).getByRole("textbox"));
  await user.paste("nightly");
  await user.keyboard("{Enter}");
  expect(await screen.findByText("Its backups remain in the storage.")).toBeTruthy();
  expect(deleted).toBe(1);
});

it("takes the switch of a schedule back", async () => {
  const asked: string[] = [];
  const take = ({ request }: { request: Request }) => {
    asked.push(new URL(request.url).pathname.split("/").at(-2) ?? "");
    return HttpResponse.json(CONFIGURATION);
  };
  serve(http.post(`${ONE}disable/`, take), http.post(`${ONE}enable/`, take));
  const { user } = renderConsole("/configurations");
  await user.click(within(await rowOf("nightly")).getByRole("switch"));
  await user.click(await screen.findByRole("button", { name: "Undo" }));
  await screen.findByText("nightly enabled");
  expect(asked).toEqual(["disable", "enable"]);
});
