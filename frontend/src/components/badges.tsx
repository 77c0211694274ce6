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

/** A badge for a value of the server. */
export function ValueBadge({ group, value }: { group: Parameters<typeof label>[0]; value: string }) {
  return (
    <span className={classes["badge"]} data-colour={COLOURS[value] ?? "gray"}>
      {label(group, value)}
    </span>
  );
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
