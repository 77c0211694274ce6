import { screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";

import type { Schemas } from "../../../api/client";
import { API, renderConsole } from "../../../testing/render";
import { CONFIGURATION, configuration, job, JOB, statistics, status } from "../../../testing/samples";
import { server } from "../../../testing/setup";
import { installation, repository } from "../../../testing/systemSamples";
import { scheduleToEnable, wholeConfiguration } from "./firstSteps";

const UNPROTECTED: Schemas["Status"] = status({
  total_backups: 0,
  successful_backups: 0,
  protection: {
    ...status().protection,
    state: "UNPROTECTED",
    reason: "There is no good backup of the database.",
    next_step: "Run a backup.",
  },
});
const FRESH = {
  configuration: CONFIGURATION,
  name: "nightly",
  last_good_at: null,
  fresh_until: "2026-11-26T02:00:00Z",
  late_since: null,
  next_run: "2026-11-25T02:00:00Z",
};
const NO_PASSPHRASE: Schemas["Finding"] = {
  id: "backup.W002",
  severity: "CRITICAL",
  subject: "passphrase",
  what: "No passphrase is set.",
  why: "Encrypted backups cannot be made.",
  hint: "Set `BACKUP_PASSWORD_FILE`.",
};

/** Serve a system that `change` changes, and note the requests that act. */
function show(rows: Schemas["Configuration"][], findings: Schemas["Finding"][] = []) {
  const system = { status: UNPROTECTED, rows };
  const asked: string[] = [];
  const page = () => ({ next: null, previous: null, results: system.rows });
  const answer = { severity: "OK" as const, examined_at: "2026-11-24T12:00:00Z", age_seconds: 1, acknowledged: [] };
  server.use(
    http.get(`${API}/system/status/`, () => HttpResponse.json(system.status)),
    http.get(`${API}/system/statistics/`, () => HttpResponse.json(statistics())),
    http.get(`${API}/system/findings/`, () => HttpResponse.json({ ...answer, findings })),
    http.get(`${API}/system/installation/`, () => HttpResponse.json(installation())),
    http.get(`${API}/system/repositories/`, () =>
      HttpResponse.json({ measured_at: "2026-11-24T12:00:00Z", age_seconds: 1, repositories: [repository()] }),
    ),
    http.get(`${API}/configurations/`, () => HttpResponse.json(page())),
    http.get(`${API}/configurations/:uuid/schedule/`, () =>
      HttpResponse.json({ schedule_in_words: "", time_zone: "UTC", runs_by_schedule: true, next_runs: [] }),
    ),
    http.post(`${API}/configurations/:uuid/run-now/`, ({ params }) => {
      asked.push(`run ${String(params["uuid"])}`);
      const done = job({ status: "COMPLETED" });
      system.status = { ...status({ recent_jobs: [done] }), freshness: system.status.freshness };
      system.rows = system.rows.map((row) => ({ ...row, last_good: done }));
      return HttpResponse.json({ status: "started", job_id: JOB, message: "Queued." }, { status: 202 });
    }),
    http.post(`${API}/configurations/:uuid/enable/`, () => {
      asked.push("enable");
      system.status = { ...system.status, freshness: [FRESH] };
      system.rows = system.rows.map((row) => ({ ...row, is_enabled: true }));
      return HttpResponse.json(system.rows[0]);
    }),
  );
  return { asked, ...renderConsole("/overview") };
}

describe("the first steps", () => {
  it("lead from nothing to a verified backup with a schedule", async () => {
    const { user, asked } = show([configuration({ is_enabled: false })]);
    const steps = await screen.findByRole("region", { name: "First steps" });
    expect(await within(steps).findByRole("button", { name: "Download recovery kit" })).toBeTruthy();
    await user.click(await within(steps).findByRole("button", { name: "I have a copy" }));
    expect(within(steps).getByText(/Noted in this browser only/)).toBeTruthy();
    await user.click(within(steps).getByRole("button", { name: "Enable nightly" }));
    expect((await within(steps).findByRole("link", { name: "nightly" })).getAttribute("href")).toBe(
      `/configurations/${CONFIGURATION}`,
    );
    await user.click(within(steps).getByRole("button", { name: "Back up now" }));
    expect(await within(steps).findByText("Verified")).toBeTruthy();
    expect(within(steps).getByRole("link", { name: "Open job" }).getAttribute("href")).toBe(`/history/${JOB}`);
    expect(within(steps).queryByRole("button")).toBeNull();
    expect(within(steps).getAllByText(/, done:/)).toHaveLength(4);
    expect(asked).toEqual(["enable", `run ${CONFIGURATION}`]);
  });

  it("back up with the button of the status", async () => {
    const { user, asked } = show([configuration()]);
    const answer = await screen.findByRole("region", { name: /No\. The documents are not protected/ });
    await user.click(await within(answer).findByRole("button", { name: "Back up now" }));
    await waitFor(() => expect(asked).toEqual([`run ${CONFIGURATION}`]));
  });

  it("show what is wrong with the passphrase, and take no word for it", async () => {
    show([configuration()], [NO_PASSPHRASE]);
    const steps = await screen.findByRole("region", { name: "First steps" });
    expect(await within(steps).findByText(/No passphrase is set/)).toBeTruthy();
    expect(within(steps).queryByRole("button", { name: "I have a copy" })).toBeNull();
  });

  it("are not shown once a backup is verified", async () => {
    show([configuration({ last_good: job() })]);
    await screen.findByRole("region", { name: "Findings" });
    await screen.findByRole("button", { name: "Back up now" });
    expect(screen.queryByRole("region", { name: "First steps" })).toBeNull();
  });

  it("choose an enabled daily backup of everything", () => {
    const off = configuration({ name: "off", is_enabled: false });
    const files = configuration({ name: "files", backup_type: "FILES" });
    const part = configuration({ name: "part", include: ["files/*"] });
    const manual = configuration({ name: "manual", frequency: "ON_DEMAND" });
    const weekly = configuration({ name: "weekly", frequency: "WEEKLY" });
    const rows = configuration({ name: "rows", backup_type: "EXPORT" });
    expect(wholeConfiguration([off, files, part, manual, weekly, rows])?.name).toBe("weekly");
    expect(wholeConfiguration([off, manual])?.name).toBe("manual");
    expect(wholeConfiguration([files, part])).toBeUndefined();
    expect(scheduleToEnable([manual, files])?.name).toBe("files");
  });
});
