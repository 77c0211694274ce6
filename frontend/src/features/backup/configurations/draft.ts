/** What stands in the form, and what of it is sent. */

import type { Schemas } from "../../../api/client";

export type Configuration = Schemas["Configuration"];
export type Request = Schemas["ConfigurationRequest"];

/** The same fields as the API has, as fields of a form hold them: nothing is absent, lists are lines of text. */
export interface Draft {
  name: string;
  description: string;
  backup_type: Schemas["BackupType"];
  frequency: Schemas["Frequency"];
  schedule_time: string;
  schedule_days: number[];
  schedule_day_of_month: number | "";
  is_enabled: boolean;
  retention_days: number | "";
  max_backups: number | "";
  keep_daily: number | "";
  keep_weekly: number | "";
  keep_monthly: number | "";
  keep_yearly: number | "";
  storage_path: string;
  time_limit_minutes: number | "";
  compression_enabled: boolean;
  encryption_enabled: boolean;
  include: string;
  exclude: string;
}

export const TYPES: Schemas["BackupType"][] = ["FULL", "INCREMENTAL", "DIFFERENTIAL", "DATABASE", "FILES", "EXPORT"];
export const FREQUENCIES: Schemas["Frequency"][] = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "ON_DEMAND"];

/** A new one: every night, kept for a month. */
export const NEW_DRAFT: Draft = {
  name: "",
  description: "",
  backup_type: "FULL",
  frequency: "DAILY",
  schedule_time: "02:00",
  schedule_days: [],
  schedule_day_of_month: "",
  is_enabled: true,
  retention_days: 30,
  max_backups: 30,
  keep_daily: 0,
  keep_weekly: 0,
  keep_monthly: 0,
  keep_yearly: 0,
  storage_path: "",
  time_limit_minutes: "",
  compression_enabled: true,
  encryption_enabled: true,
  include: "",
  exclude: "",
};

export function draftOf(row: Configuration): Draft {
  return {
    name: row.name,
    description: row.description ?? "",
    backup_type: row.backup_type ?? NEW_DRAFT.backup_type,
    frequency: row.frequency ?? "ON_DEMAND",
    schedule_time: (row.schedule_time ?? "").slice(0, 5),
    schedule_days: row.schedule_days ?? [],
    schedule_day_of_month: row.schedule_day_of_month ?? "",
    is_enabled: row.is_enabled ?? true,
    retention_days: row.retention_days ?? "",
    max_backups: row.max_backups ?? "",
    keep_daily: row.keep_daily ?? 0,
    keep_weekly: row.keep_weekly ?? 0,
    keep_monthly: row.keep_monthly ?? 0,
    keep_yearly: row.keep_yearly ?? 0,
    storage_path: row.storage_path ?? "",
    time_limit_minutes: row.time_limit_minutes ?? "",
    compression_enabled: row.compression_enabled ?? true,
    encryption_enabled: row.encryption_enabled ?? true,
    include: (row.include ?? []).join("\n"),
    exclude: (row.exclude ?? []).join("\n"),
  };
}

const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** A number that is left empty is not sent, and stays what it was or becomes what is usual. */
export function requestOf(draft: Draft): Request {
  const numbers = [
    "retention_days",
    "max_backups",
    "keep_daily",
    "keep_weekly",
    "keep_monthly",
    "keep_yearly",
  ] as const;
  const given: Partial<Record<(typeof numbers)[number], number>> = {};
  for (const name of numbers) {
    const value = draft[name];
    if (value !== "") {
      given[name] = value;
    }
  }
  return {
    name: draft.name,
    description: draft.description,
    backup_type: draft.backup_type,
    frequency: draft.frequency,
    schedule_time: draft.schedule_time || null,
    schedule_days: [...draft.schedule_days].sort(),
    schedule_day_of_month: draft.schedule_day_of_month || null,
    is_enabled: draft.is_enabled,
    storage_path: draft.storage_path,
    time_limit_minutes: draft.time_limit_minutes || null,
    compression_enabled: draft.compression_enabled,
    encryption_enabled: draft.encryption_enabled,
    include: lines(draft.include),
    exclude: lines(draft.exclude),
    ...given,
  };
}

/** What of a draft is not as it was, and nothing else: somebody else may have changed the rest meanwhile. */
export function changesOf(draft: Draft, saved: Draft): Partial<Request> {
  const before = Object.entries(requestOf(saved)).map(([name, value]) => [name, JSON.stringify(value)] as const);
  const was = new Map<string, string>(before);
  return Object.fromEntries(
    Object.entries(requestOf(draft)).filter(([name, value]) => was.get(name) !== JSON.stringify(value)),
  );
}

/** Whether its schedule runs: switched on, and not held up by its state. */
export function isScheduleActive(row: Configuration): boolean {
  return row.is_enabled === true && row.status === "ACTIVE";
}
