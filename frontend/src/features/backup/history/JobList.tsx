/** Jobs as a table, or as cards where a table has no room. */

import { useMediaQuery } from "@mantine/hooks";
import { memo } from "react";

import type { Schemas } from "../../../api/client";
import { bytes, duration } from "../../../components/format";
import type { Column } from "../../../components/table/DataTable";
import type { InView } from "../../../components/table/useVirtualRows";
import { VirtualCards, VirtualTable } from "../../../components/table/VirtualTable";
import { t } from "../../../i18n";
import classes from "./History.module.css";
import { JobBadges, JobLink, JobOrigin, JobRemarks, JobWhen } from "./JobSummary";

type Job = Schemas["Job"];

const ROW_PX = 65;
const CARD_PX = 130;
const LINE_PX = 20;
const AMOUNT_WIDTH = "5.5rem";

const durationOf = (job: Job) => (job.duration_seconds === null ? "" : duration(job.duration_seconds));
const bytesOf = (value: number | null) => (value === null ? "" : bytes(value));

const COLUMNS: Column<Job>[] = [
  {
    header: "history.job",
    sort: { field: "job_name", first: "descending" },
    cell: (job) => (
      <>
        <JobLink job={job} />
        <JobOrigin job={job} />
        <JobRemarks job={job} />
      </>
    ),
  },
  { header: "history.result", width: "7.5rem", cell: (job) => <JobBadges job={job} /> },
  {
    header: "history.when",
    width: "11.5rem",
    sort: { field: "queued_at", first: "descending" },
    cell: (job) => <JobWhen job={job} />,
  },
  { header: "history.took", width: AMOUNT_WIDTH, align: "right", cell: (job) => durationOf(job) || "–" },
  {
    header: "history.size",
    width: AMOUNT_WIDTH,
    align: "right",
    sort: { field: "backup_size", first: "descending" },
    cell: (job) => bytesOf(job.backup_size) || "–",
  },
  {
    header: "history.stored",
    width: AMOUNT_WIDTH,
    align: "right",
    sort: { field: "stored_size", first: "descending" },
    cell: (job) => bytesOf(job.stored_size) || "–",
  },
];

interface JobListProps {
  jobs: Job[];
  /** Whether all jobs are loaded. */
  isComplete: boolean;
  order: string;
  onOrder: (order: string) => void;
  onView: (view: InView) => void;
}

export function JobList({ jobs, order, onOrder, ...rest }: JobListProps) {
  const isNarrow = useMediaQuery("(max-width: 68em)", false, { getInitialValueInEffect: false });
  const heightOf = (job: Job) => (isNarrow ? CARD_PX : ROW_PX) + (job.error_message ? LINE_PX : 0);
  const list = { ...rest, label: t("history.list"), rows: jobs, rowKey: (job: Job) => job.uuid, heightOf };
  return isNarrow ? (
    <VirtualCards {...list} card={(job) => <JobCard job={job} />} />
  ) : (
    <VirtualTable {...list} columns={COLUMNS} sorting={{ order, onOrder }} />
  );
}

const JobCard = memo(function JobCard({ job }: { job: Job }) {
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
      <p className={classes["small"]}>{amountsOf(job)}</p>
    </div>
  );
});

function amountsOf(job: Job): string {
  const amounts = [
    [t("history.took"), durationOf(job)],
    [t("history.size"), bytesOf(job.backup_size)],
    [t("history.stored"), bytesOf(job.stored_size)],
  ] as const;
  return amounts
    .filter(([, amount]) => amount)
    .map(([name, amount]) => `${name} ${amount}`)
    .join(" · ");
}
