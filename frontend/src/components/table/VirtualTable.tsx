/**
 * Tables and lists of thousands of rows. Only the rows in view are drawn, with plain elements, because they come and
 * go while the user scrolls.
 */

import { Table } from "@mantine/core";
import { Fragment, memo, type ReactNode, type RefObject } from "react";

import { ColumnHeading } from "./ColumnHeading";
import type { Column, Sorting } from "./DataTable";
import { usePreferences } from "../preferences";
import { type InView, useVirtualRows } from "./useVirtualRows";
import classes from "./VirtualTable.module.css";

interface VirtualProps<Row> {
  label: string;
  rows: Row[];
  rowKey: (row: Row) => string;
  /** The expected height of a row in pixels: the closer, the less moves when the row is measured. */
  heightOf: (row: Row) => number;
  /** Whether all rows are loaded. */
  isComplete: boolean;
  onView: (view: InView) => void;
}

/** How many rows there are, for screen readers; -1 stands for an unknown number. */
const sizeOf = ({ rows, isComplete }: { rows: unknown[]; isComplete: boolean }) => (isComplete ? rows.length : -1);

interface VirtualTableProps<Row> extends VirtualProps<Row> {
  /** The same array at every render, so that a row is drawn again only when it changes. */
  columns: Column<Row>[];
  sorting: Sorting;
}

export function VirtualTable<Row>(props: VirtualTableProps<Row>) {
  const { label, rows, rowKey, heightOf, columns, sorting, onView } = props;
  const { list, shown, after, row } = useVirtualRows({
    kind: "rows",
    keys: rows.map(rowKey),
    heights: rows.map(heightOf),
    onView,
  });
  const size = sizeOf(props);
  const isCompact = usePreferences().density === "compact";
  const gapOf = (height: number) =>
    height > 0 && (
      <tr aria-hidden className={classes["gap"]} style={{ height }}>
        <td colSpan={columns.length} />
      </tr>
    );
  return (
    <Table
      className={classes["table"] ?? ""}
      verticalSpacing="xs"
      stickyHeader
      stickyHeaderOffset="var(--app-shell-header-offset, 0px)"
      mod={{ compact: isCompact }}
      aria-label={label}
      aria-rowcount={size < 0 ? size : size + 1}
    >
      <Table.Thead className={classes["head"] ?? ""}>
        <Table.Tr aria-rowindex={1}>
          {columns.map((column) => (
            <ColumnHeading key={column.header} column={column} sorting={sorting} />
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody ref={list as RefObject<HTMLTableSectionElement>}>
        {shown.map(({ index, gap }) => {
          const one = rows[index];
          return (
            one !== undefined && (
              <Fragment key={rowKey(one)}>
                {gapOf(gap)}
                <tr className={classes["row"]} aria-rowindex={index + 2} {...row(index)}>
                  <Cells columns={columns} row={one} />
                </tr>
              </Fragment>
            )
          );
        })}
        {gapOf(after)}
      </Table.Tbody>
    </Table>
  );
}

const Cells = memo(function Cells<Row>({ columns, row }: { columns: Column<Row>[]; row: Row }) {
  return columns.map((column) => (
    <td key={column.header} className={column.align === "right" ? classes["amount"] : undefined}>
      {column.cell(row)}
    </td>
  ));
}) as <Row>(props: { columns: Column<Row>[]; row: Row }) => ReactNode;

interface VirtualCardsProps<Row> extends VirtualProps<Row> {
  /** A memoized component that draws one row. */
  card: (row: Row) => ReactNode;
}

/** The same rows as cards, for screens without room for a table. */
export function VirtualCards<Row>(props: VirtualCardsProps<Row>) {
  const { label, rows, rowKey, heightOf, card, onView } = props;
  const { list, shown, after, row } = useVirtualRows({
    kind: "cards",
    keys: rows.map(rowKey),
    heights: rows.map(heightOf),
    onView,
  });
  const size = sizeOf(props);
  const gapOf = (height: number) => height > 0 && <li aria-hidden className={classes["gap"]} style={{ height }} />;
  return (
    <ul className={classes["cards"]} aria-label={label} ref={list as RefObject<HTMLUListElement>}>
      {shown.map(({ index, gap }) => {
        const one = rows[index];
        return (
          one !== undefined && (
            <Fragment key={rowKey(one)}>
              {gapOf(gap)}
              <li className={classes["card"]} aria-posinset={index + 1} aria-setsize={size} {...row(index)}>
                {card(one)}
              </li>
            </Fragment>
          )
        );
      })}
      {gapOf(after)}
    </ul>
  );
}
