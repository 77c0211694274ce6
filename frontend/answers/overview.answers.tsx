/** Draws the overview from recorded answers, one folder per state, and writes down the words that a user reads. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cleanup, screen, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import type { Schemas } from "../src/api/client";
import { API, renderConsole } from "../src/testing/render";
import { statistics } from "../src/testing/samples";
import { server } from "../src/testing/setup";

const FOLDER = process.env["ANSWERS"] ?? "";

interface Recorded {
  status: Schemas["Status"];
  findings: Schemas["Findings"];
}

async function drawn({ status, findings }: Recorded) {
  const schedule = { schedule_in_words: "", time_zone: "UTC", runs_by_schedule: true, next_runs: [] };
  server.use(
    http.get(`${API}/system/status/`, () => HttpResponse.json(status)),
    http.get(`${API}/system/findings/`, () => HttpResponse.json(findings)),
    http.get(`${API}/system/statistics/`, () => HttpResponse.json(statistics())),
    http.get(`${API}/configurations/:uuid/schedule/`, () => HttpResponse.json(schedule)),
  );
  const { user } = renderConsole("/overview");
  const answer = (await screen.findByText("Are we protected?")).closest("section") ?? document.body;
  const listed = await screen.findByRole("region", { name: "Findings" });
  await within(listed).findByText(/^Checked/);
  const more = within(listed).queryByRole("button", { name: /^Show \d+ more$/ });
  if (more) {
    await user.click(more);
  }
  const words = (element: Element) => element.textContent.trim();
  return {
    heading: words(within(answer).getByRole("heading")),
    text: words(answer),
    open: within(answer).queryAllByRole("listitem").map(words),
    findings: within(listed)
      .queryAllByRole("article")
      .map((one) => ({
        severity: words(one.querySelector("span") ?? one),
        lines: [...one.querySelectorAll("p")].map(words),
      })),
  };
}

it("draws each state", async () => {
  const names = readdirSync(FOLDER);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const recorded = JSON.parse(readFileSync(join(FOLDER, name, "answers.json"), "utf8")) as Recorded;
    writeFileSync(join(FOLDER, name, "page.json"), JSON.stringify(await drawn(recorded)));
    cleanup();
  }
});
