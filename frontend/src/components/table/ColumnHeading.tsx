import { Table, UnstyledButton, VisuallyHidden } from "@mantine/core";

import { t } from "../../i18n";
import type { Column, Sorting } from "./DataTable";

interface ColumnHeadingProps<Row> {
  column: Column<Row>;
  sorting: Sorting | undefined;
}

/** The heading of a column; a button where the list can be sorted by it. */
export function ColumnHeading<Row>({ column, sorting }: ColumnHeadingProps<Row>) {
  const { align, width, visibleFrom, isHeaderHidden, sort } = column;
  const header = t(column.header);
  const look = { ta: align ?? "left", w: width, ...(visibleFrom && { visibleFrom }) } as const;
  if (sort === undefined || sorting === undefined) {
    return (
      <Table.Th scope="col" {...look}>
        {isHeaderHidden ? <VisuallyHidden>{header}</VisuallyHidden> : header}
      </Table.Th>
    );
  }
  const { order, onOrder } = sorting;
  const descending = `-${sort.field}`;
  const state = order === sort.field ? "ascending" : order === descending ? "descending" : "none";
  const opposite = state === "ascending" ? descending : sort.field;
  const next = state === "none" && sort.first === "descending" ? descending : opposite;
  return (
    <Table.Th scope="col" aria-sort={state} {...look}>
      <UnstyledButton fw={700} fz="sm" onClick={() => onOrder(next)} title={t("common.sortBy", { name: header })}>
        {header}
        <span aria-hidden>{state === "ascending" ? " ↑" : state === "descending" ? " ↓" : ""}</span>
      </UnstyledButton>
    </Table.Th>
  );
}
