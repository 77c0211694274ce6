import { screen, within } from "@testing-library/react";
import axe from "axe-core";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import type { Schemas } from "../../../api/client";
import { API, renderConsole } from "../../../testing/render";
import { operation, page, RIGHTS, statistics } from "../../../testing/samples";
import { server } from "../../../testing/setup";
import { repository } from "../../../testing/systemSamples";

const STALE = [{ name: "ab", time: "2026-11-24T02:00:00Z", username: "edms", hostname: "vault", pid: 7 }];

function show(rights: Schemas["Right"][] = RIGHTS) {
  const asked: unknown[] = [];
  const take = async ({ request }: { request: Request }) => {
    asked.push([new URL(request.url).pathname.split("/").at(-2), await request.json()]);
    return HttpResponse.json(operation(), { status: 202 });
  };
  server.use(
    http.get(`${API}/system/rights/`, () => HttpResponse.json({ user: "grace", rights })),
    http.get(`${API}/system/repositories/`, () =>
      HttpResponse.json({ measured_at: "2026-11-24T12:00:00Z", age_seconds: 1, repositories: [repository()] }),
    ),
    http.get(`${API}/system/statistics/`, () => HttpResponse.json(statistics())),
    http.get(`${API}/operations/`, () =>
      HttpResponse.json(
        page(
          operation({ uuid: "1", kind: "UNLOCK", status: "COMPLETED", result: { removed: 2, left: STALE } }),
          operation({
            uuid: "2",
            kind: "PRUNE",
            status: "COMPLETED",
            arguments: { dry_run: true },
            result: { going: 3, forecast: [{ storage_path: "", freed_bytes: 2e9, young_bytes: 1e9 }] },
          }),
          operation({
            uuid: "3",
            kind: "CHECK",
            status: "COMPLETED",
            result: { is_sound: false, findings_count: 1, findings: ["error: pack ab"], snapshots: 12, packs: 40 },
          }),
          operation({ uuid: "4", kind: "VERIFY", status: "COMPLETED", result: { trust: "VERIFIED" } }),
        ),
      ),
    ),
    http.post(`${API}/system/prune/`, take),
    http.post(`${API}/system/check/`, take),
    http.post(`${API}/system/unlock/`, take),
  );
  return { asked, ...renderConsole("/storage") };
}

it("shows what each repository holds and how it is", async () => {
  const { container } = show();
  const card = await screen.findByRole("region", { name: "Main storage, Encrypted" });
  for (const fact of ["3.0 GB", "9.0 GB", "3 : 1", "12", /every byte: 2 problems$/, "Never", /^1 lock, renewed/]) {
    expect(within(card).getByText(fact)).toBeTruthy();
  }
  expect(within(card).getByText(/^1a2b3c4d: edms on vault/)).toBeTruthy();
  const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
});

it("tells the results of checks, forecasts and unlocks, and not those of backups", async () => {
  show();
  const list = await screen.findByRole("region", { name: "Checks and prunes" });
  expect(within(list).getByText("2 stale locks removed.")).toBeTruthy();
  expect(within(list).getByText(/^In use by edms on vault, process 7/)).toBeTruthy();
  expect(within(list).getByText("A prune would remove 3 backups and free 2.0 GB.")).toBeTruthy();
  expect(within(list).getByText(/Main storage: 1.0 GB more are not yet a day old/)).toBeTruthy();
  expect(within(list).getByText("1 problem found in 12 snapshots and 40 packs:")).toBeTruthy();
  expect(within(list).getByText("error: pack ab")).toBeTruthy();
  expect(within(list).queryByText(/Verification/)).toBeNull();
});

it("asks for checks, unlocks, forecasts and prunes of the right repository", async () => {
  const { asked, user } = show();
  const card = await screen.findByRole("region", { name: "Main storage, Encrypted" });
  for (const name of ["Check structure", "Check every byte", "Remove stale locks"]) {
    await user.click(await within(card).findByRole("button", { name }));
  }
  await user.click(screen.getByRole("button", { name: "Forecast prune" }));
  await user.click(screen.getByRole("button", { name: "Prune…" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Prune" }));
  const place = { storage_path: "", encrypted: true };
  expect(asked).toEqual([
    ["check", { ...place, read_data: false }],
    ["check", { ...place, read_data: true }],
    ["unlock", place],
    ["prune", { force: true, dry_run: true }],
    ["prune", { force: true, dry_run: false }],
  ]);
});

it("offers users who may only view the storage no action", async () => {
  show(["view_backups"]);
  const storage = await screen.findByRole("region", { name: "Main storage, Encrypted" });
  expect(within(storage).queryAllByRole("button")).toEqual([]);
  // That of the palette is no action on the storage.
  expect(screen.getAllByRole("button")).toHaveLength(1);
});
