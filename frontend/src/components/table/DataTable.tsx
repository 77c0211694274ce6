/**
 * The table of every list. `PagedList` adds loading, paging and the empty state; `VirtualTable` draws only the rows in
 * view.
 */

import { type MantineBreakpoint, type MantineSpacing, Table } from "@mantine/core";
import type { ReactNode } from "react";

import type { TextKey } from "../../i18n";
import { usePreferences } from "../preferences";
import { ColumnHeading } from "./ColumnHeading";

export interface Column<Row> {
  header: TextKey;
  cell: (row: Row) => ReactNode;
  align?: "right";
  /** `anywhere` breaks long paths and names, `never` keeps dates and sizes on one line. */
  wrap?: "anywhere" | "never";
  /** Width in a table of fixed layout; a column without one takes the remaining space. */
  width?: string;
  minWidth?: string | { sm: string } | { base: string; sm: string };
  maxWidth?: string;
  /** The smallest screen that has room for the column. */
  visibleFrom?: MantineBreakpoint;
  /** The field by which the API sorts, and the direction of the first click. */
  sort?: { field: string; first: "ascending" | "descending" };
  /** Show the header only to screen readers. */
  isHeaderHidden?: boolean;
}

export interface Sorting {
  /** The field, with a minus in front of it for descending order. */
  order: string;
  onOrder: (order: string) => void;
}

interface DataTableProps<Row> {
  /** The name for screen readers. Leave it out where a heading stands right above. */
  label?: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row, index: number) => string;
  sorting?: Sorting;
  /** Below this width, in pixels, the table scrolls sideways. */
  minWidth?: number;
  /** `fixed` takes the widths of the columns, so that no content moves another column. */
  layout?: "fixed";
  verticalSpacing?: MantineSpacing;
  horizontalSpacing?: MantineSpacing;
  fontSize?: "sm";
  highlightOnHover?: boolean;
}

/** The space in the rows of a user who prefers dense lists. */
const COMPACT = { verticalSpacing: 2, fz: "sm" } as const;

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, sorting, minWidth, fontSize, ...look } = props;
  const isCompact = usePreferences().density === "compact";
  const table = (
    <Table aria-label={label} {...(fontSize && { fz: fontSize })} {...look} {...(isCompact && COMPACT)}>
      <Table.Thead>
        <Table.Tr>
          {columns.map((column) => (
            <ColumnHeading key={column.header} column={column} sorting={sorting} />
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row, index) => (
          <Table.Tr key={rowKey(row, index)}>
            {columns.map((column) => (
              <Cell key={column.header} column={column} row={row} />
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
  if (minWidth === undefined) {
    return table;
  }
  return (
    <Table.ScrollContainer minWidth={minWidth} type="native" tabIndex={0} role="group" aria-label={label}>
      {table}
    </Table.ScrollContainer>
  );
}

const WRAP = { anywhere: { overflowWrap: "anywhere" }, never: { whiteSpace: "nowrap" } } as const;

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const { align, wrap, minWidth, maxWidth, visibleFrom } = column;
  return (
    <Table.Td
      ta={align}
      miw={minWidth}
      maw={maxWidth}
      {...(visibleFrom && { visibleFrom })}
      {...(wrap && { style: WRAP[wrap] })}
    >
      {column.cell(row)}
    </Table.Td>
  );
}
