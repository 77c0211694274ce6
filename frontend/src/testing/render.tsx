/** Renders the console at an address. */

import { MantineProvider } from "@mantine/core";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter, Route, Routes } from "react-router";

import BackupManagement from "../features/backup/BackupManagement";
import { theme } from "../theme";

export const API = "http://localhost:3000/api/v1/backup";

export function renderConsole(address = "/overview") {
  const user = userEvent.setup();
  const view = render(
    <MantineProvider theme={theme}>
      <MemoryRouter initialEntries={[address]}>
        <Routes>
          <Route path="/*" element={<BackupManagement apiUrl={API} />} />
        </Routes>
      </MemoryRouter>
    </MantineProvider>,
  );
  return { user, ...view };
}
