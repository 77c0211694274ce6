import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { http, HttpResponse, type HttpHandler } from "msw";
import { expect, it } from "vitest";

import { API, renderConsole } from "../../../testing/render";
import { configuration, job, operation, page, statistics, status } from "../../../testing/samples";
import { server } from "../../../testing/setup";

const JOB = job();
const NIGHTLY = configuration({ last_good: JOB, retention_days: 30, exclude: ["*.tmp"] });
const ONE = `${API}/configurations/${NIGHTLY.uuid}/`;
const SCHEDULE = { schedule_in_words: "daily at 02:00", time_zone: "UTC", runs_by_schedule: true, next_runs: [] };

function show(address = `/configurations/${NIGHTLY.uuid}`, ...handlers: HttpHandler[]) {
  const asked: unknown[] = [];
  server.use(
    ...handlers,
    http.get(`${API}/operations/`, () => HttpResponse.json(page())),
    http.get(ONE, () => HttpResponse.json(NIGHTLY)),
    http.post(`${ONE}retention/`, async ({ request }) => {
      const rules = (await request.json()) as { retention_days: number };
      asked.push(rules);
      return HttpResponse.json({ kept: rules.retention_days, going: 1, verdicts: [] });
    }),
    http.get(`${ONE}schedule/`, () => HttpResponse.json(SCHEDULE)),
    http.post(`${API}/configurations/preview/`, () => HttpResponse.json(SCHEDULE)),
    http.get(`${API}/jobs/`, ({ request }) => {
      asked.push(new URL(request.url).searchParams.get("configuration"));
      return HttpResponse.json(page(JOB));
    }),
    http.get(`${API}/system/statistics/`, ({ request }) => {
      asked.push(new URL(request.url).searchParams.get("configuration"));
      return HttpResponse.json(statistics());
    }),
    http.get(`${API}/system/status/`, () => HttpResponse.json(status())),
  );
  return { asked, ...renderConsole(address) };
}

it("shows the runs of one configuration, each with its backup", async () => {
  const { asked, container } = show();
  await screen.findByRole("heading", { level: 2, name: NIGHTLY.name });
  const runs = await screen.findByRole("region", { name: "Latest runs" });
  const restore = within(runs).getByRole("link", { name: `Restore ${JOB.job_name}` });
  expect(restore.getAttribute("href")).toBe(`/restore?backup=${JOB.uuid}`);
  expect(screen.getByText("*.tmp")).toBeTruthy();
  expect(await screen.findByRole("grid", { name: "Last 2 days" })).toBeTruthy();
  expect(asked.filter((one) => typeof one === "string")).toEqual([NIGHTLY.uuid, NIGHTLY.uuid]);
  const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
});

it("previews retention by the rules as they are edited", async () => {
  const { asked, user } = show(`/configurations/${NIGHTLY.uuid}/edit`);
  const drawer = await screen.findByRole("dialog", { name: `Edit ${NIGHTLY.name}` });
  await within(drawer).findByText(/Today, with these rules: 30 backups kept, 1 removed/);
  const days = within(drawer).getByLabelText(/^Maximum age in days/);
  await user.clear(days);
  await user.type(days, "7");
  await within(drawer).findByText(/Today, with these rules: 7 backups kept, 1 removed/);
  await waitFor(() => expect(asked.at(-1)).toMatchObject({ retention_days: 7, keep_daily: 0 }));
});

it("deletes the backups, too, and shows how far that is", async () => {
  const asked: string[] = [];
  const deletion = operation({
    kind: "DELETE_CONFIGURATION",
    status: "FAILED",
    error_message: "1 backups were not removed, so the configuration stays: locked. Try again.",
    arguments: { configuration: NIGHTLY.uuid, backups: true },
  });
  const { user } = show(
    undefined,
    http.delete(ONE, ({ request }) => {
      asked.push(new URL(request.url).search);
      return HttpResponse.json({ ...deletion, status: "PENDING" }, { status: 202 });
    }),
    http.get(`${API}/operations/`, () => HttpResponse.json(page(deletion))),
  );
  expect(await screen.findByText(/the configuration stays: locked/)).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "More actions for nightly" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete…", hidden: true }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByRole("checkbox", { name: "Delete its backups, too" }));
  expect(within(dialog).getByText(/deleted permanently/)).toBeTruthy();
  await user.type(within(dialog).getByRole("textbox"), "nightly");
  await user.click(within(dialog).getByRole("button", { name: "Delete configuration and backups" }));
  expect(await screen.findByText("Deleting nightly and its backups")).toBeTruthy();
  expect(asked).toEqual(["?backups=true"]);
});
