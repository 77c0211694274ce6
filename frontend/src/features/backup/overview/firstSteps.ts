/** The state of the first steps, from the answers of the server. */

import type { Schemas } from "../../../api/client";
import { type Configuration, isScheduleActive } from "../configurations/formValues";

const VERIFIED = new Set(["VERIFIED", "PROVEN"]);
const FREQUENCIES = ["DAILY", "WEEKLY", "HOURLY", "MONTHLY", "ON_DEMAND"];
const TYPES = ["FULL", "EXPORT"];

/** A job or the latest job of a configuration. */
export type VerifiedJob = Pick<Schemas["LatestJob"], "uuid" | "job_name" | "trust">;

/**
 * Return the configuration that backs up the whole system best: an enabled one first, FULL before EXPORT (the only type
 * for some databases), daily before other schedules. Return undefined if no configuration backs up everything.
 */
export function wholeConfiguration(rows: Configuration[]): Configuration | undefined {
  const whole = rows.filter((row) => rank(TYPES, row.backup_type) >= 0 && !row.include?.length && !row.is_ad_hoc);
  const order = (row: Configuration) =>
    (isScheduleActive(row) ? 0 : 100) + rank(TYPES, row.backup_type) * 10 + rank(FREQUENCIES, row.frequency);
  return whole.toSorted((one, other) => order(one) - order(other))[0];
}

/** Return the schedule to enable first, or undefined if no configuration has a schedule. */
export function scheduleToEnable(rows: Configuration[]): Configuration | undefined {
  const scheduled = rows.filter((row) => row.frequency !== "ON_DEMAND");
  return wholeConfiguration(scheduled) ?? scheduled[0];
}

/** Return a good backup that was verified, or undefined. Manual backups without a configuration count as well. */
export function verifiedJob(status: Schemas["Status"], rows: Configuration[]): VerifiedJob | undefined {
  const good = rows.flatMap((row) => row.last_good ?? []);
  return [...good, ...status.recent_jobs.filter((job) => job.has_backup)].find((job) => VERIFIED.has(job.trust));
}

function rank(order: string[], value: string | undefined): number {
  return order.indexOf(value ?? "");
}
