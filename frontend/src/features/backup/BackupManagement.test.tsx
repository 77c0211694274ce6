import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { MemoryRouter, Route, Routes, useLocation } from "react-router";
import { expect, it } from "vitest";

import { API } from "../../testing/render";
import { server } from "../../testing/setup";
import BackupManagement from "./BackupManagement";

function Address() {
  return <output>{useLocation().pathname}</output>;
}

// Every request is refused: only the addresses of the views matter here.
function renderAt(address: string, route: string) {
  server.use(http.all(`${API}/*`, () => HttpResponse.json({}, { status: 403 })));
  render(
    <MemoryRouter initialEntries={[address]}>
      <Address />
      <Routes>
        <Route path={route} element={<BackupManagement apiUrl={API} />} />
      </Routes>
    </MemoryRouter>,
  );
  return userEvent.setup();
}

it.each([
  ["/", "/*", ""],
  ["/admin/backup", "/admin/backup/*", "/admin/backup"],
  ["/admin/backup/no/such/view", "/admin/backup/*", "/admin/backup"],
])("starts with the overview at %s in %s, and its tabs open the other views", async (address, route, base) => {
  const user = renderAt(address, route);
  await waitFor(() => expect(document.querySelector("output")?.textContent).toBe(`${base}/overview`));
  for (const [name, view] of [
    ["History", "history"],
    ["Configurations", "configurations"],
    ["Restore", "restore"],
  ] as const) {
    await user.click(screen.getByRole("tab", { name }));
    await waitFor(() => expect(document.querySelector("output")?.textContent).toBe(`${base}/${view}`));
    expect(screen.getByRole("tab", { name }).getAttribute("aria-selected")).toBe("true");
  }
});

it("speaks the language of the page that it is in", async () => {
  server.use(http.all(`${API}/*`, () => HttpResponse.json({}, { status: 403 })));
  render(
    <MemoryRouter>
      <BackupManagement apiUrl={API} locale="de-CH" theme={{ primaryColor: "teal" }} />
    </MemoryRouter>,
  );
  const tab = await screen.findByRole("tab", { name: "Konfigurationen" });
  expect(tab.closest("[lang]")?.getAttribute("lang")).toBe("de");
});

it("has a button for the palette in a page of its own", async () => {
  const user = renderAt("/", "/*");
  await user.click(screen.getByRole("button", { name: /^Search/ }));
  const dialog = await screen.findByRole("dialog");
  await user.type(within(dialog).getByRole("combobox"), "stor");
  await user.click(await within(dialog).findByRole("option", { name: /Storage/ }));
  await waitFor(() => expect(document.querySelector("output")?.textContent).toBe("/storage"));
});
