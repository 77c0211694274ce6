import { screen, within } from "@testing-library/react";
import axe from "axe-core";
import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { API, renderConsole } from "../../../testing/render";
import { installation } from "../../../testing/systemSamples";
import { server } from "../../../testing/setup";

const AGENT = {
  kind: "AGENT" as const,
  host: "vault",
  pid: 7,
  started_at: "2026-11-24T02:00:00Z",
  beat_at: "2026-11-24T12:00:00Z",
  is_alive: true,
};

it("shows the executors with their last sign of life, and the installation", async () => {
  server.use(
    http.get(`${API}/system/installation/`, () =>
      HttpResponse.json(
        installation({
          second_person: ["restore"],
          encryption_source: null,
          executors: [AGENT, { ...AGENT, is_alive: false }],
        }),
      ),
    ),
    http.get(`${API}/system/findings/`, () =>
      HttpResponse.json({ severity: "OK", examined_at: "", age_seconds: 0, findings: [], acknowledged: [] }),
    ),
  );
  const { container, user } = renderConsole("/settings");
  const about = await screen.findByRole("region", { name: "Installation" });
  for (const fact of ["1.2.3", "Django 5.2.1, Python 3.11.2", "Europe/Berlin", "None set", "restore"]) {
    expect(within(about).getByText(fact)).toBeTruthy();
  }
  const rows = within(screen.getByRole("region", { name: "Executors" })).getAllByRole("row");
  expect(rows.map((row) => /Running|Gone/.exec(row.textContent)?.[0])).toEqual([undefined, "Running", "Gone"]);
  const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
  await user.selectOptions(screen.getByRole("combobox", { name: "Language" }), "Deutsch");
  expect(await screen.findByRole("heading", { level: 2, name: "Einstellungen" })).toBeTruthy();
});
