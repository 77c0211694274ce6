/** Badges for states. The text alone carries the meaning; the colour repeats it. */

import type { Schemas } from "../api/client";
import { label, t } from "../i18n";
import classes from "./badges.module.css";

const COLOURS: Record<string, string> = {
  COMPLETED: "green",
  VERIFIED: "green",
  PROVEN: "green",
  PROTECTED: "green",
  OK: "green",
  RUNNING: "blue",
  PENDING: "blue",
  STORED: "blue",
  INCOMPLETE: "yellow",
  MISSED: "yellow",
  WARNING: "yellow",
  AT_RISK: "yellow",
  AWAITING_APPROVAL: "yellow",
  FAILED: "red",
  TIMEOUT: "red",
  DAMAGED: "red",
  UNPROTECTED: "red",
  CRITICAL: "red",
};

/** A badge for a value of the server, in its usual colour or in another. */
export function ValueBadge(props: { group: Parameters<typeof label>[0]; value: string; colour?: string }) {
  const { group, value, colour = COLOURS[value] ?? "gray" } = props;
  return (
    <span className={classes["badge"]} data-colour={colour}>
      {label(group, value)}
    </span>
  );
}

/** The status of a job. Green only while its backup is there and sound: a damaged one of a completed job is no success. */
export function JobStatusBadge({ job }: { job: { status: string; trust: string; missing?: string } }) {
  const unsound = job.status === "COMPLETED" && (job.trust === "DAMAGED" || Boolean(job.missing));
  return <ValueBadge group="jobStatus" value={job.status} {...(unsound ? { colour: "gray" } : {})} />;
}

/** The trust level of a backup, or that the storage does not have the backup now. */
export function TrustBadge({ job }: { job: Pick<Schemas["Job"], "trust" | "missing"> }) {
  if (!job.missing) {
    return <ValueBadge group="trust" value={job.trust} />;
  }
  return (
    <span className={classes["badge"]} data-colour="red" title={job.missing}>
      {t("history.missing")}
    </span>
  );
}
