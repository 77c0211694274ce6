import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";

import { API, renderConsole } from "../../../testing/render";
import { job, problem } from "../../../testing/samples";
import { FakeEventSource, server } from "../../../testing/setup";

/** Serves the list and records the requests. */
function answerJobs(answer: (asked: URLSearchParams) => object) {
  const asked: URLSearchParams[] = [];
  server.use(
    http.get(`${API}/configurations/`, () => HttpResponse.json({ next: null, previous: null, results: [] })),
    http.get(`${API}/jobs/`, ({ request }) => {
      const params = new URL(request.url).searchParams;
      asked.push(params);
      return HttpResponse.json(answer(params));
    }),
  );
  return asked;
}

describe("the history", () => {
  it("shows in the list why a job failed", async () => {
    answerJobs(() => ({
      next: null,
      previous: null,
      results: [job({ status: "FAILED", trust: "", has_backup: false, error_message: "The disk was full." })],
    }));
    const { container } = renderConsole("/history");
    const row = (await screen.findByText("nightly-20261124")).closest("tr");
    expect(within(row as HTMLElement).getByText("The disk was full.")).toBeTruthy();
    expect(within(row as HTMLElement).getByText("Failed")).toBeTruthy();
    const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
    expect(found.violations.map((one) => one.id)).toEqual([]);
  });

  it("follows the filters of the address, and a changed filter", async () => {
    const asked = answerJobs(() => ({ next: null, previous: null, results: [] }));
    const { user } = renderConsole("/history?status=FAILED&status=TIMEOUT");
    await screen.findByText("No matching jobs");
    expect(asked.at(-1)?.getAll("status")).toEqual(["FAILED", "TIMEOUT"]);
    await user.selectOptions(screen.getByLabelText("Type"), "DATABASE");
    await waitFor(() => expect(asked.at(-1)?.get("backup_type")).toBe("DATABASE"));
    await user.click(screen.getByText("Clear filters"));
    await screen.findByText("No runs yet");
    expect(asked.at(-1)?.has("status")).toBe(false);
  });

  it("loads the next page", async () => {
    const asked = answerJobs((params) =>
      params.get("cursor") === "second"
        ? { next: null, previous: null, results: [job({ uuid: "older", job_name: "older" })] }
        : { next: `${API}/jobs/?cursor=second`, previous: null, results: [job({ job_name: "newer" })] },
    );
    renderConsole("/history");
    await screen.findByText("older");
    expect(screen.getByText("newer")).toBeTruthy();
    expect(screen.getByText("2 jobs")).toBeTruthy();
    expect(asked.length).toBe(2);
  });

  it("refetches one page after an event, not all loaded pages", async () => {
    let status: "RUNNING" | "FAILED" = "RUNNING";
    const asked = answerJobs((params) =>
      params.get("cursor") === "second"
        ? { next: null, previous: null, results: [job({ uuid: "older", job_name: "older" })] }
        : {
            next: `${API}/jobs/?cursor=second`,
            previous: null,
            results: [job({ job_name: "newer", status, trust: "" })],
          },
    );
    renderConsole("/history");
    await screen.findByText("older");
    const row = screen.getByText("newer").closest("tr") as HTMLElement;
    within(row).getByText("Running");
    status = "FAILED";
    FakeEventSource.all[0]?.dispatchEvent(new Event("job"));
    await within(row).findByText("Failed");
    expect(row.getAttribute("aria-rowindex")).toBe("2");
    // Without a layout, both pages count as in view: one request for each.
    expect(asked.slice(2).map((params) => params.get("cursor"))).toEqual([null, "second"]);
  });

  it("retries unanswered requests after a reconnect", async () => {
    let isAway = true;
    server.use(
      http.get(`${API}/configurations/`, () => HttpResponse.json({ next: null, previous: null, results: [] })),
      http.get(`${API}/jobs/`, () =>
        isAway
          ? HttpResponse.json(problem(503, "Not now."), { status: 503 })
          : HttpResponse.json({ next: null, previous: null, results: [job({ job_name: "there" })] }),
      ),
    );
    renderConsole("/history");
    await screen.findByText("Not now.");
    isAway = false;
    FakeEventSource.all[0]?.onopen?.();
    await screen.findByText("there");
    expect(screen.queryByText("Not now.")).toBeNull();
  });

  it("sorts by a column, descending first", async () => {
    const asked = answerJobs(() => ({ next: null, previous: null, results: [job()] }));
    const { user } = renderConsole("/history");
    await user.click(await screen.findByTitle("Sort by Stored"));
    await waitFor(() => expect(asked.at(-1)?.get("ordering")).toBe("-stored_size"));
    expect(screen.getByTitle("Sort by Stored").closest("th")?.getAttribute("aria-sort")).toBe("descending");
  });
});
