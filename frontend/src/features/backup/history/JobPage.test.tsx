import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { http, HttpResponse } from "msw";
import { describe, expect, it, vi } from "vitest";

import type { Schemas } from "../../../api/client";
import { API, renderConsole } from "../../../testing/render";
import { JOB, jobDetail, operation } from "../../../testing/samples";
import { server } from "../../../testing/setup";

const PLACE = `${API}/jobs/${JOB}`;

function answerJob(job: Schemas["JobDetail"], operations: Schemas["Operation"][] = []) {
  server.use(
    http.get(`${PLACE}/`, () => HttpResponse.json(job)),
    http.get(`${API}/operations/`, () => HttpResponse.json({ next: null, previous: null, results: operations })),
  );
}

function show(job: Schemas["JobDetail"], operations: Schemas["Operation"][] = []) {
  answerJob(job, operations);
  return renderConsole(`/history/${JOB}`);
}

const refused = (status: number, detail: string) =>
  HttpResponse.json({ type: "", title: "", status, detail, instance: "", id: "x", errors: [] }, { status });

describe("the job page", () => {
  it("shows a backup and is accessible", async () => {
    const { container } = show(jobDetail());
    await screen.findByRole("heading", { name: "nightly-20261124" });
    expect(screen.getByText("sqlite, 33 tables, 1,874 rows")).toBeTruthy();
    expect(screen.getByText("Storing.").closest("li")?.textContent).toContain("3 min 0 s");
    expect((await screen.findByRole("link", { name: "Restore backup" })).getAttribute("href")).toBe(
      `/restore?backup=${JOB}`,
    );
    expect(screen.getByRole("link", { name: "Download" }).getAttribute("href")).toBe(`${PLACE}/download/`);
    const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
    expect(found.violations.map((one) => one.id)).toEqual([]);
  });

  it("reports a backup that the storage has lost, whatever its trust level", async () => {
    show(jobDetail({ missing: "The repository in '/srv' is not there." }));
    expect((await screen.findByText("Unavailable")).title).toBe("The repository in '/srv' is not there.");
    expect(screen.getByText(/This backup cannot be restored now. The repository in/)).toBeTruthy();
    expect(screen.queryByText("Verified")).toBeNull();
  });

  it("shows first why a job failed, and offers no restore", async () => {
    show(
      jobDetail({ status: "FAILED", trust: "", has_backup: false, error_message: "The disk was full.", manifest: {} }),
    );
    expect((await screen.findByRole("alert")).textContent).toContain("The disk was full.");
    expect(screen.queryByRole("link", { name: "Restore backup" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Delete…" })).toBeNull();
  });

  it("offers no browsing of a package outside of the storage, and says where it is", async () => {
    show(jobDetail({ is_in_storage: false, backup_file_path: "/mnt/usb/weekly.tar.gz" }));
    expect(await screen.findByText(/outside of the backup storage: \/mnt\/usb\/weekly.tar.gz/)).toBeTruthy();
    expect(await screen.findByRole("link", { name: "Restore backup" })).toBeTruthy();
    expect(screen.queryByRole("link", { name: "Browse files" })).toBeNull();
    expect(screen.queryByRole("link", { name: "Download" })).toBeNull();
  });

  it("runs a failed job again, and opens the new job", async () => {
    const configuration = "99999999-9999-4999-8999-999999999999";
    const again = "88888888-8888-4888-8888-888888888888";
    server.use(
      http.post(`${API}/configurations/${configuration}/run-now/`, () =>
        HttpResponse.json({ status: "started", job_id: again, message: "" }, { status: 201 }),
      ),
      http.get(`${API}/jobs/${again}/`, () => HttpResponse.json(jobDetail({ uuid: again, job_name: "nightly-again" }))),
    );
    const { user } = show(jobDetail({ status: "FAILED", trust: "", has_backup: false, manifest: {}, configuration }));
    await user.click(await screen.findByRole("button", { name: "Run again" }));
    expect(await screen.findByRole("heading", { name: "nightly-again" })).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Run again" })).toBeNull();
  });

  it("acknowledges the problems of an incomplete backup", async () => {
    const problems = [{ path: "media/a.pdf", reason: "It is not there." }];
    const asked: unknown[] = [];
    const { user } = show(jobDetail({ status: "INCOMPLETE", problems, problem_count: 1 }));
    server.use(
      http.post(`${API}/system/acknowledgements/`, async ({ request }) => {
        asked.push(await request.json());
        answerJob(
          jobDetail({ status: "INCOMPLETE", problems, problem_count: 1, accepted_until: "2027-03-31T23:59:59Z" }),
        );
        return HttpResponse.json({ acknowledgements: [] }, { status: 201 });
      }),
    );
    await user.click(await screen.findByRole("button", { name: "Acknowledge" }));
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).getByText(/1 problem of nightly-20261124/)).toBeTruthy();
    await user.type(within(dialog).getByRole("textbox", { name: /Reason/ }), "lost in 2019");
    await user.type(within(dialog).getByLabelText(/Acknowledge until/), "2027-03-31");
    await user.click(within(dialog).getByRole("button", { name: "Acknowledge" }));
    await screen.findByText(/^All problems acknowledged until/);
    expect(asked).toMatchObject([{ job: JOB, why: "lost in 2019" }]);
    await waitFor(() => expect(screen.queryByRole("button", { name: "Acknowledge" })).toBeNull());
  });

  it("shows the steps of the log on a time line, and filters and downloads it", async () => {
    const log = ["Requested.", "Reading.", "Verifying.", "COMPLETED.", "Pruned."].map((text, index) => ({
      at: `2026-11-24T02:0${index}:00Z`,
      text,
    }));
    const lines = [...log, ...log.map((one) => ({ ...one, text: `Again: ${one.text}` }))].slice(0, 9);
    show(jobDetail({ log: lines, completed_at: "2026-11-24T02:03:00Z" }));
    const steps = await screen.findByRole("img", { name: /^Steps: Requested. 1 min 0 s Reading. 1 min 0 s/ });
    expect(steps).toBeTruthy();
    const list = screen.getByRole("log", { name: "Log" });
    expect(within(list).getAllByRole("listitem")).toHaveLength(9);
    const user = userEvent.setup();
    await user.type(screen.getByRole("textbox", { name: "Filter the log" }), "AGAIN: r");
    expect(
      within(list)
        .getAllByRole("listitem")
        .map((one) => one.children[1]?.textContent),
    ).toEqual(["Again: Requested.", "Again: Reading."]);
    let saved: Blob | undefined;
    // jsdom has no addresses of objects.
    Object.assign(URL, {
      createObjectURL: vi.fn((blob: Blob) => {
        saved = blob;
        return "#log";
      }),
      revokeObjectURL: vi.fn(),
    });
    await user.click(screen.getByRole("button", { name: "Download log" }));
    const reader = new FileReader();
    reader.readAsText(saved ?? new Blob());
    await waitFor(() => expect((reader.result as string | null)?.split("\n")[1]).toBe("2026-11-24T02:01:00Z Reading."));
  });

  it("promises nothing for a removed incomplete backup", async () => {
    const removal = {
      removal_started_at: "2026-11-25T02:00:00Z",
      removed_at: "2026-11-25T02:00:00Z",
      removal_reason: "old",
    };
    const warnings = Array.from({ length: 2_000 }, (_, index) => `warning ${index % 100}`);
    show(jobDetail({ status: "INCOMPLETE", has_backup: false, warnings, ...removal }));
    await screen.findByText("Some data could not be read");
    expect(screen.getByText("The first 20 of 100")).toBeTruthy();
    expect(screen.getByText("20 times: warning 7")).toBeTruthy();
    expect(screen.queryByText(/can be restored/)).toBeNull();
  });

  it("hides actions without permission", async () => {
    server.use(
      http.get(`${API}/system/rights/`, () =>
        HttpResponse.json({ user: "grace", rights: ["view_backups", "run_backups"] }),
      ),
    );
    show(jobDetail(), [operation({ kind: "REMOVE", status: "AWAITING_APPROVAL", needs: "delete_backups" })]);
    await screen.findByRole("button", { name: "Verify" });
    await screen.findByText("A second person with the same permission must approve this.");
    const actions = within(screen.getByRole("group", { name: "Backup actions" }));
    expect(actions.queryAllByRole("link")).toEqual([]);
    expect(actions.getAllByRole("button").map((one) => one.textContent)).toEqual(["Verify", "Pin"]);
    expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
  });

  it("deletes only after the typed name, and reports the request", async () => {
    const { user } = show(jobDetail());
    await user.click(await screen.findByRole("button", { name: "Delete…" }));
    const dialog = await screen.findByRole("dialog");
    const button = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Delete backup" });
    await user.type(within(dialog).getByLabelText(/^Type/), "nightly");
    expect(button.disabled).toBe(true);
    await user.type(within(dialog).getByLabelText(/^Type/), "-20261124");
    let deleted = 0;
    const removal = operation({ kind: "REMOVE", status: "PENDING" });
    server.use(
      http.delete(`${PLACE}/`, () => {
        deleted += 1;
        answerJob(jobDetail(), [removal]);
        return HttpResponse.json(removal, { status: 202 });
      }),
    );
    await user.click(button);
    await screen.findByText("Backup deletion");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(deleted).toBe(1);
  });

  it("keeps the dialog open with the reason of a refusal", async () => {
    const { user } = show(jobDetail({ status: "RUNNING", trust: "", has_backup: false, completed_at: null }));
    server.use(http.post(`${PLACE}/cancel/`, () => refused(403, "It takes the right to run backups.")));
    await user.click(await screen.findByRole("button", { name: "Cancel job…" }));
    expect(screen.queryByText(/^No backup was stored/)).toBeNull();
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Cancel job" }));
    expect((await within(dialog).findByRole("alert")).textContent).toBe("It takes the right to run backups.");
  });

  it("shows the progress and the result of a verification", async () => {
    const progress = {
      phase: "verifying",
      files_done: 0,
      bytes_done: 500,
      bytes_total: 1000,
      bytes_per_second: null,
      eta_seconds: null,
    };
    const ended = operation({
      uuid: "other",
      status: "COMPLETED",
      result: { trust: "DAMAGED", findings: ["A pack is missing."], findings_count: 1 },
    });
    show(jobDetail(), [operation({ progress }), ended]);
    expect((await screen.findByRole("progressbar")).getAttribute("aria-valuenow")).toBe("50");
    expect(screen.getByText("A pack is missing.")).toBeTruthy();
    expect(screen.getByText(/^Verification finished. Trust level: Damaged/)).toBeTruthy();
  });
});

describe("the files of a backup", () => {
  const entry: Schemas["Entry"] = {
    name: "100%25.txt",
    path: "files/media/100%25.txt",
    kind: "file",
    size: 5,
    mode: "0644",
    modified_at: null,
    target: null,
    withheld: false,
    in_package: true,
  };

  it("opens the path of the address, and shows text as text", async () => {
    answerJob(jobDetail());
    const asked: (string | null)[] = [];
    server.use(
      http.get(`${PLACE}/files/`, ({ request }) => {
        asked.push(new URL(request.url).searchParams.get("path"));
        return HttpResponse.json({ entry: null, results: [entry], next_after: null, cut_off: null });
      }),
      http.get(`${PLACE}/download/`, ({ request }) => {
        asked.push(new URL(request.url).searchParams.get("path"));
        return HttpResponse.text("<b>a", { status: 206 });
      }),
    );
    const { user } = renderConsole(`/history/${JOB}/files?path=files%2Fmedia`);
    await user.click(await screen.findByRole("button", { name: "Preview 100%25.txt" }));
    expect((await screen.findByText("<b>a")).tagName).toBe("PRE");
    expect(asked).toEqual(["files/media", "files/media/100%25.txt"]);
  });

  it("searches below the open folder, and reports an empty result", async () => {
    answerJob(jobDetail());
    server.use(
      http.get(`${PLACE}/files/`, ({ request }) => {
        const results = new URL(request.url).searchParams.has("search") ? [] : [entry];
        return HttpResponse.json({ entry: null, results, next_after: null, cut_off: null });
      }),
    );
    const { user } = renderConsole(`/history/${JOB}/files`);
    const field = await screen.findByRole("searchbox");
    await user.type(field, "contract{Enter}");
    await screen.findByText(/^Search uses the stored file names/);
    expect(document.activeElement).toBe(field);
  });

  it("offers no download of redacted files", async () => {
    answerJob(jobDetail());
    const results = [{ ...entry, name: ".env", withheld: true }];
    server.use(
      http.get(`${PLACE}/files/`, () => HttpResponse.json({ entry: null, results, next_after: null, cut_off: null })),
    );
    renderConsole(`/history/${JOB}/files`);
    await screen.findByText(/^Redacted/);
    expect(screen.queryByRole("button", { name: /Preview/ })).toBeNull();
    expect(screen.queryByRole("link", { name: /Download/ })).toBeNull();
  });
});
