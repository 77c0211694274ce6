/** The filters of the history in the address. A shared address shows the same jobs. */

import type { JobsQuery } from "../../../api/queries";

export const STATUSES = [
  "PENDING",
  "RUNNING",
  "COMPLETED",
  "INCOMPLETE",
  "FAILED",
  "TIMEOUT",
  "CANCELLED",
  "MISSED",
] as const satisfies NonNullable<JobsQuery["status"]>;
export const TYPES = ["FULL", "INCREMENTAL", "DIFFERENTIAL", "DATABASE", "FILES", "EXPORT"] as const;
export const TRIGGERS = ["SCHEDULED", "MANUAL", "API", "PRE_RESTORE"] as const;
export const TRUSTS = ["STORED", "VERIFIED", "PROVEN", "DAMAGED"] as const;
export const ORDERS = [
  "-queued_at",
  "queued_at",
  "-backup_size",
  "backup_size",
  "-stored_size",
  "stored_size",
  "-job_name",
  "job_name",
] as const;
export const NAMES = ["q", "status", "type", "configuration", "trigger", "trust", "kept", "after", "before"] as const;
export type FilterName = (typeof NAMES)[number];

/** Return the query for the API. Unknown values are ignored, so that an old link still works. */
export function queryOf(params: URLSearchParams): JobsQuery {
  const search = params.get("q")?.trim().slice(0, 100);
  const status = params.getAll("status").filter((one) => isOneOf(one, STATUSES));
  const type = params.get("type");
  const trigger = params.get("trigger");
  const trust = params.get("trust");
  const configuration = params.get("configuration");
  const order = params.get("order");
  const after = toTimestamp(params.get("after") ?? "", 0);
  const before = toTimestamp(params.get("before") ?? "", 1);
  return {
    ...(search && { search }),
    ...(status.length > 0 && { status }),
    ...(isOneOf(type, TYPES) && { backup_type: type }),
    ...(isOneOf(trigger, TRIGGERS) && { trigger }),
    ...(isOneOf(trust, TRUSTS) && { trust }),
    ...(isUuid(configuration) && { configuration }),
    ...(params.has("kept") && { has_backup: params.get("kept") === "yes" }),
    ...(after && { queued_after: after }),
    ...(before && { queued_before: before }),
    ...(isOneOf(order, ORDERS) && { ordering: order }),
  };
}

export function hasFilters(params: URLSearchParams): boolean {
  return NAMES.some((name) => params.has(name));
}

/** Return the address with other values of a filter. Without values, the filter is removed. */
export function withFilter(params: URLSearchParams, name: FilterName | "order", values: string[]): URLSearchParams {
  const changed = new URLSearchParams(params);
  changed.delete(name);
  values.filter(Boolean).forEach((value) => changed.append(name, value));
  return changed;
}

function isOneOf<T extends string>(value: string | null, all: readonly T[]): value is T {
  return value !== null && (all as readonly string[]).includes(value);
}

function isUuid(value: string | null): value is string {
  return value !== null && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

/** Return a timestamp. A date becomes midnight in the zone of the user, `later` days after it. */
function toTimestamp(given: string, later: number): string | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(given);
  const [year, month, date] = parts === null ? [] : parts.slice(1).map(Number);
  if (year === undefined || month === undefined || date === undefined) {
    return isTimestamp(given) ? new Date(given).toISOString() : null;
  }
  return new Date(year, month - 1, date + later).toISOString();
}

function isTimestamp(given: string): boolean {
  return /^\d{4}-\d\d-\d\dT/.test(given) && !Number.isNaN(Date.parse(given));
}

/** Return the day that a date field shows, in the zone of the user. `before` ends just before its timestamp. */
export function dayOf(params: URLSearchParams, name: "after" | "before"): string {
  const given = params.get(name) ?? "";
  if (!isTimestamp(given)) {
    return given;
  }
  const at = new Date(Date.parse(given) - (name === "before" ? 1 : 0));
  const two = (number: number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
