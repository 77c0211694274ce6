/** Jobs as a table, or as cards where a table has no room. Only those in view are drawn, however many there are. */

import { Table, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { Fragment, memo, type RefObject } from "react";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { bytes, duration } from "../../../components/format";
import classes from "./History.module.css";
import { JobBadges, JobLink, JobOrigin, JobRemarks, JobWhen } from "./JobSummary";
import { type InView, useVirtualRows } from "./useVirtualRows";

const ROW_PX = 65;
const CARD_PX = 130;
const LINE_PX = 20;
const COLUMNS = 6;
const AMOUNT = "5.5rem";

interface Props {
  jobs: Schemas["Job"][];
  /** Whether no others follow. */
  isAll: boolean;
  order: string;
  onOrder: (order: string) => void;
  onView: (view: InView) => void;
}

export function JobList(props: Props) {
  const narrow = useMediaQuery("(max-width: 68em)", false, { getInitialValueInEffect: false });
  return narrow ? <Cards {...props} /> : <Rows {...props} />;
}

/** How high it is taken to be before it is drawn: the nearer, the less moves. */
const heightOf = (job: Schemas["Job"], least: number) => least + (job.error_message ? LINE_PX : 0);
const keysOf = (jobs: Props["jobs"]) => jobs.map(({ uuid }) => uuid);
/** How many there are, for those who are told and do not see; -1 stands for a number that is not known. */
const sizeOf = (jobs: Props["jobs"], isAll: boolean) => (isAll ? jobs.length : -1);

function Rows({ jobs, isAll, order, onOrder, onView }: Props) {
  const { list, shown, after, row } = useVirtualRows({
    kind: "rows",
    keys: keysOf(jobs),
    heights: jobs.map((job) => heightOf(job, ROW_PX)),
    onView,
  });
  const size = sizeOf(jobs, isAll);
  return (
    <Table
      className={classes["table"] ?? ""}
      verticalSpacing="xs"
      stickyHeader
      stickyHeaderOffset="var(--app-shell-header-offset, 0px)"
      aria-label={t("history.list")}
      aria-rowcount={size < 0 ? size : size + 1}
    >
      <Table.Thead className={classes["head"] ?? ""}>
        <Table.Tr aria-rowindex={1}>
          <Heading name={t("history.job")} column="job_name" order={order} onOrder={onOrder} />
          <Table.Th scope="col" w="7.5rem">
            {t("history.result")}
          </Table.Th>
          <Heading name={t("history.when")} column="queued_at" order={order} onOrder={onOrder} w="11.5rem" />
          <Table.Th scope="col" ta="right" w={AMOUNT}>
            {t("history.took")}
          </Table.Th>
          <Heading name={t("history.size")} column="backup_size" order={order} onOrder={onOrder} w={AMOUNT} right />
          <Heading name={t("history.stored")} column="stored_size" order={order} onOrder={onOrder} w={AMOUNT} right />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody ref={list as RefObject<HTMLTableSectionElement>}>
        {shown.map(({ index, gap }) => {
          const job = jobs[index];
          return (
            job && (
              <Fragment key={job.uuid}>
                <RowGap height={gap} />
                <tr className={classes["row"]} aria-rowindex={index + 2} {...row(index)}>
                  <Cells job={job} />
                </tr>
              </Fragment>
            )
          );
        })}
        <RowGap height={after} />
      </Table.Tbody>
    </Table>
  );
}

/** In the place of rows that are not drawn. */
function RowGap({ height }: { height: number }) {
  return (
    height > 0 && (
      <tr aria-hidden className={classes["gap"]} style={{ height }}>
        <td colSpan={COLUMNS} />
      </tr>
    )
  );
}

/** A job that has not changed is not drawn again while others come and go. */
const Cells = memo(function Cells({ job }: { job: Schemas["Job"] }) {
  return (
    <>
      <td>
        <JobLink job={job} />
        <JobOrigin job={job} />
        <JobRemarks job={job} />
      </td>
      <td>
        <JobBadges job={job} />
      </td>
      <td>
        <JobWhen job={job} />
      </td>
      <Amount text={job.duration_seconds === null ? "" : duration(job.duration_seconds)} />
      <Amount text={job.backup_size === null ? "" : bytes(job.backup_size)} />
      <Amount text={job.stored_size === null ? "" : bytes(job.stored_size)} />
    </>
  );
});

function Amount({ text }: { text: string }) {
  return <td className={classes["amount"]}>{text || "–"}</td>;
}

interface HeadingProps {
  name: string;
  column: string;
  order: string;
  onOrder: (order: string) => void;
  /** Its width; without one it takes what the others leave. */
  w?: string;
  right?: boolean;
}

/** A heading that orders by its column: downwards first, since the newest and the largest are what one looks for. */
function Heading({ name, column, order, onOrder, w = "auto", right = false }: HeadingProps) {
  const state = order === column ? "ascending" : order === `-${column}` ? "descending" : "none";
  return (
    <Table.Th scope="col" aria-sort={state} ta={right ? "right" : "left"} w={w}>
      <UnstyledButton
        fw={700}
        fz="sm"
        onClick={() => onOrder(state === "descending" ? column : `-${column}`)}
        title={t("history.orderBy", { name })}
      >
        {name}
        <span aria-hidden>{state === "ascending" ? " ↑" : state === "descending" ? " ↓" : ""}</span>
      </UnstyledButton>
    </Table.Th>
  );
}

function Cards({ jobs, isAll, onView }: Props) {
  const { list, shown, after, row } = useVirtualRows({
    kind: "cards",
    keys: keysOf(jobs),
    heights: jobs.map((job) => heightOf(job, CARD_PX)),
    onView,
  });
  return (
    <ul className={classes["cards"]} aria-label={t("history.list")} ref={list as RefObject<HTMLUListElement>}>
      {shown.map(({ index, gap }) => {
        const job = jobs[index];
        return (
          job && (
            <Fragment key={job.uuid}>
              <CardGap height={gap} />
              <li
                className={classes["card"]}
                aria-posinset={index + 1}
                aria-setsize={sizeOf(jobs, isAll)}
                {...row(index)}
              >
                <JobCard job={job} />
              </li>
            </Fragment>
          )
        );
      })}
      <CardGap height={after} />
    </ul>
  );
}

function CardGap({ height }: { height: number }) {
  return height > 0 && <li aria-hidden className={classes["gap"]} style={{ height }} />;
}

const JobCard = memo(function JobCard({ job }: { job: Schemas["Job"] }) {
  return (
    <div className={classes["face"]}>
      <div className={classes["top"]}>
        <JobBadges job={job} />
        <div className={classes["when"]}>
          <JobWhen job={job} />
        </div>
      </div>
      <JobLink job={job} />
      <JobOrigin job={job} />
      <JobRemarks job={job} />
      <p className={classes["small"]}>{numbers(job)}</p>
    </div>
  );
});

function numbers(job: Schemas["Job"]): string {
  return [
    job.duration_seconds === null ? "" : `${t("history.took")} ${duration(job.duration_seconds)}`,
    job.backup_size === null ? "" : `${t("history.size")} ${bytes(job.backup_size)}`,
    job.stored_size === null ? "" : `${t("history.stored")} ${bytes(job.stored_size)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}
