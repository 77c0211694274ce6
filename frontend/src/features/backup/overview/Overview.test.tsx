import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";

import type { Schemas } from "../../../api/client";
import { API, renderConsole } from "../../../testing/render";
import { CONFIGURATION, configuration, job, statistics, status } from "../../../testing/samples";
import { server } from "../../../testing/setup";

interface Answers {
  status?: Partial<Schemas["Status"]>;
  statistics?: Partial<Schemas["Statistics"]>;
  findings?: Schemas["Finding"][];
  acknowledged?: Schemas["AcknowledgedFinding"][];
  configurations?: Schemas["Configuration"][];
}

const TRENDS = "/overview?show=trends";

function show(answers: Answers = {}, address = "/overview") {
  const findings: Schemas["Findings"] = {
    severity: "OK",
    examined_at: "2026-11-24T12:00:00Z",
    age_seconds: 1,
    findings: answers.findings ?? [],
    acknowledged: answers.acknowledged ?? [],
  };
  server.use(
    http.get(`${API}/system/status/`, () => HttpResponse.json(status(answers.status))),
    http.get(`${API}/system/statistics/`, () => HttpResponse.json(statistics(answers.statistics))),
    http.get(`${API}/system/findings/`, () => HttpResponse.json(findings)),
    http.get(`${API}/configurations/`, () =>
      HttpResponse.json({ next: null, previous: null, results: answers.configurations ?? [configuration()] }),
    ),
    http.get(`${API}/configurations/${CONFIGURATION}/schedule/`, () =>
      HttpResponse.json({ schedule_in_words: "", time_zone: "UTC", runs_by_schedule: true, next_runs: [] }),
    ),
  );
  return renderConsole(address);
}

describe("the overview", () => {
  it("shows the answer with its reason and the next step", async () => {
    const { container } = show({
      status: {
        total_backups: 0,
        protection: {
          state: "UNPROTECTED",
          since: null,
          reason: "There is no good backup of the database.",
          next_step: "Run `trigger_backup --type FULL`.",
          warnings: 0,
          open: [],
          examined_at: "2026-11-24T12:00:00Z",
        },
      },
    });
    const answer = await screen.findByRole("region", { name: /No\. The documents are not protected/ });
    expect(within(answer).getByText("There is no good backup of the database.")).toBeTruthy();
    expect(within(answer).getByText("trigger_backup --type FULL").tagName).toBe("CODE");
    await screen.findByText("No problems found.");
    expect(await within(answer).findByRole("button", { name: "Back up now" })).toBeTruthy();
    const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
    expect(found.violations.map((one) => one.id)).toEqual([]);
  });

  it("is not a plain yes while a warning is open", async () => {
    const protection = { ...status().protection, warnings: 2, open: ["nightly: is FAILED", "storage: is full soon"] };
    show({ status: { protection } }, TRENDS);
    const answer = await screen.findByRole("region", { name: /Yes, with 2 warnings/ });
    expect(within(answer).getByText("nightly: is FAILED")).toBeTruthy();
    expect(within(answer).getByText("storage: is full soon")).toBeTruthy();
  });

  it("acknowledges a warning, and lists acknowledged ones", async () => {
    const finding = {
      id: "backup.W011",
      severity: "WARNING" as const,
      subject: "storage /b",
      what: "It is on the same disk.",
      why: "Both go at once.",
      hint: "Use another disk.",
    };
    const known = {
      ...finding,
      subject: "storage /c",
      acknowledgement: "99999999-9999-4999-8999-999999999999",
      acknowledged_by: "ada",
      acknowledged_why: "until the move",
      acknowledged_until: "2027-03-31T00:00:00Z",
    };
    const asked: unknown[] = [];
    server.use(
      http.post(`${API}/system/acknowledgements/`, async ({ request }) => {
        asked.push(await request.json());
        return HttpResponse.json({ acknowledgements: [] }, { status: 201 });
      }),
      http.delete(`${API}/system/acknowledgements/${known.acknowledgement}/`, () => {
        asked.push("withdrawn");
        return new HttpResponse(null, { status: 204 });
      }),
    );
    const { user } = show({ findings: [finding], acknowledged: [known] });
    await screen.findByText(/^Acknowledged by ada until .* Reason: until the move/);
    await user.click(await screen.findByRole("button", { name: "Withdraw acknowledgement" }));
    await user.click(screen.getByRole("button", { name: "Acknowledge" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByRole("textbox", { name: /Reason/ }), "one disk");
    await user.type(within(dialog).getByLabelText(/Acknowledge until/), "2027-03-31");
    await user.click(within(dialog).getByRole("button", { name: "Acknowledge" }));
    await waitFor(() => expect(asked).toHaveLength(2));
    expect(asked[0]).toBe("withdrawn");
    expect(asked[1]).toMatchObject({ finding: "backup.W011", subject: "storage /b", why: "one disk" });
  });

  it("shows running jobs with their progress, and overdue schedules", async () => {
    const progress = {
      phase: "storing",
      files_done: 12,
      bytes_done: 250,
      bytes_total: 1000,
      bytes_per_second: 10,
      eta_seconds: 75,
    };
    show({
      status: {
        running_jobs: [job({ status: "RUNNING", progress })],
        freshness: [
          {
            configuration: CONFIGURATION,
            name: "nightly",
            last_good_at: null,
            fresh_until: "2026-11-23T04:24:00Z",
            late_since: "2026-11-23T04:24:00Z",
            next_run: "2026-11-25T02:00:00Z",
          },
        ],
      },
    });
    const bar = await screen.findByRole("progressbar", { name: "storing" });
    expect(bar.getAttribute("aria-valuenow")).toBe("25");
    const row = screen.getByRole("row", { name: /nightly/ });
    expect(within(row).getAllByText("Overdue").length).toBeGreaterThan(0);
    expect(within(row).getByText("Never")).toBeTruthy();
  });

  it("lists the days of the calendar in a table, with links to their jobs", async () => {
    const { user } = show({}, TRENDS);
    const calendar = await screen.findByRole("region", { name: "Last 2 days" });
    expect(
      within(calendar).getByRole("row", { name: /^All configurations: 1 days completed, 0 .* 1 failed or timed out/ }),
    ).toBeTruthy();
    await user.click(within(calendar).getByText("Show as table"));
    const table = await within(calendar).findByRole("table");
    const link = within(table).getByRole("link", { name: /23/ });
    expect(link.getAttribute("href")).toBe("/history?after=2026-11-23T00%3A00%3A00Z&before=2026-11-24T00%3A00%3A00Z");
    expect(link.closest("tr")?.textContent).toContain("Failed 1");
  });

  it("leads from each square of the calendar to its jobs, by keyboard, too", async () => {
    const { user } = show({}, TRENDS);
    const calendar = await screen.findByRole("grid", { name: "Last 2 days" });
    const days = within(calendar).getAllByRole("link", { name: /^All configurations/ });
    const [before, today] = days;
    expect(days.map((one) => one.tabIndex)).toEqual([-1, 0]);
    today?.focus();
    await user.keyboard("{ArrowLeft}{ArrowLeft}");
    expect(document.activeElement).toBe(before);
    expect(days.map((one) => one.tabIndex)).toEqual([0, -1]);
    expect(before?.getAttribute("href")).toBe(
      "/history?after=2026-11-23T00%3A00%3A00Z&before=2026-11-24T00%3A00%3A00Z",
    );
  });

  it("makes no forecast that the server does not make", async () => {
    show({}, TRENDS);
    expect(await screen.findByText(/not known yet.*forecast is not possible yet/)).toBeTruthy();
  });
});
