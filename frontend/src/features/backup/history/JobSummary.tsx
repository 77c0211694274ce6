/** The parts of a job that the table and the cards share. */

import { Link, useLocation } from "react-router";

import type { Schemas } from "../../../api/client";
import { label, t } from "../../../i18n";
import { JobStatusBadge, TrustBadge } from "../../../components/badges";
import { dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { ProgressView } from "../../../components/ProgressView";
import classes from "./History.module.css";

type Job = Schemas["Job"];

/** The state of a link from a list to a job: the search of the list's address, to return to it. */
export interface FromList {
  list: string;
}

export function JobLink({ job }: { job: Job }) {
  const from: FromList = { list: useLocation().search };
  return (
    <Link className={classes["name"]} to={`../history/${job.uuid}`} state={from}>
      {job.job_name}
    </Link>
  );
}

export function JobBadges({ job }: { job: Job }) {
  return (
    <div className={classes["badges"]}>
      <JobStatusBadge job={job} />
      {job.trust && job.has_backup && <TrustBadge job={job} />}
      {job.is_pinned && <strong className={classes["faint"]}>{t("history.pinned")}</strong>}
      {job.removal_started_at && <span className={classes["faint"]}>{t("history.removed")}</span>}
    </div>
  );
}

/** The error, the counts of problems and warnings, and the progress of a job. */
export function JobRemarks({ job }: { job: Job }) {
  const bad = job.status === "FAILED" || job.status === "TIMEOUT" || job.trust === "DAMAGED";
  const counted = [
    job.problem_count > 0 ? t("history.problems", { count: job.problem_count }) : "",
    job.warnings.length > 0 ? t("history.warnings", { count: job.warnings.length }) : "",
  ].filter(Boolean);
  return (
    <>
      {job.error_message && (
        <p className={`${classes["small"]} ${classes["reason"]}`} data-bad={bad || undefined}>
          {job.error_message}
        </p>
      )}
      {counted.length > 0 && <p className={classes["small"]}>{counted.join(", ")}</p>}
      {job.status === "RUNNING" && job.progress && <ProgressView progress={job.progress} />}
    </>
  );
}

export function JobWhen({ job }: { job: Job }) {
  const ago = useRelativeTime();
  const at = job.started_at ?? job.queued_at;
  return (
    <>
      <p className={classes["small"]}>
        {job.status === "PENDING" ? t("history.waiting", { time: dateTime(at) }) : dateTime(at)}
      </p>
      <p className={classes["faint"]}>{ago(at)}</p>
    </>
  );
}

export function JobOrigin({ job }: { job: Job }) {
  const parts = [
    job.configuration_name || t("history.noConfiguration"),
    label("backupType", job.backup_type),
    label("trigger", job.trigger),
  ];
  return <p className={classes["faint"]}>{parts.join(" · ")}</p>;
}
