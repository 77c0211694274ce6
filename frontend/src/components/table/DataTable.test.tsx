import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { type Column, DataTable } from "./DataTable";

const COLUMNS: Column<{ name: string; size: number }>[] = [
  { header: "history.files.name", sort: { field: "name", first: "ascending" }, cell: (row) => row.name },
  {
    header: "history.files.size",
    sort: { field: "size", first: "descending" },
    align: "right",
    cell: (row) => row.size,
  },
  { header: "history.files.actions", isHeaderHidden: true, cell: () => "Open" },
];

it.each([
  ["name", "Name", "ascending", "-name"],
  ["name", "Size", "none", "-size"],
  ["-size", "Size", "descending", "size"],
  ["-size", "Name", "none", "name"],
])("with the order %s, the heading %s is %s and sorts by %s", async (order, heading, state, next) => {
  const orders: string[] = [];
  render(
    <MantineProvider>
      <DataTable
        label="Files"
        columns={COLUMNS}
        rows={[{ name: "a", size: 1 }]}
        rowKey={(row) => row.name}
        sorting={{ order, onOrder: (chosen) => orders.push(chosen) }}
      />
    </MantineProvider>,
  );
  expect(screen.getByRole("columnheader", { name: heading }).getAttribute("aria-sort")).toBe(state);
  await userEvent.click(screen.getByRole("button", { name: heading }));
  expect(orders).toEqual([next]);
  expect(screen.getAllByRole("cell").map((cell) => cell.textContent)).toEqual(["a", "1", "Open"]);
});
