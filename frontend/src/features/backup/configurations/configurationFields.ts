/**
 * The fields of a configuration, described once. The draft, the request, the form and the comparison follow from this.
 */

import type { Schemas } from "../../../api/client";

export type Request = Schemas["ConfigurationRequest"];

/** How a field looks in the form, and how it is read from and written to the API. */
interface Field<Sent, Value> {
  /** The value for a new configuration. */
  initial: Value;
  /** Return the value for the form. */
  read(sent: Sent | null | undefined): Value;
  /** Return the value for the API. `undefined` is not sent: the server keeps its value, or takes its default. */
  write(value: Value): Sent | null | undefined;
}

export interface Range {
  min: number;
  max: number;
}

/** A whole number, or an empty field. */
type NumberOrEmpty = number | "";

function text(): Field<string, string> {
  return { initial: "", read: (sent) => sent ?? "", write: (value) => value };
}

/** `fallback` stands for a value that the server does not send. */
function choice<Value extends string>(initial: Value, fallback: Value): Field<Value, Value> {
  return { initial, read: (sent) => sent ?? fallback, write: (value) => value };
}

function flag(): Field<boolean, boolean> {
  return { initial: true, read: (sent) => sent ?? true, write: (value) => value };
}

/** A number that the API requires. An empty field is not sent. */
function count(initial: number, fallback: NumberOrEmpty, range: Range): Field<number, NumberOrEmpty> & Range {
  return { ...range, initial, read: (sent) => sent ?? fallback, write: (value) => (value === "" ? undefined : value) };
}

/** A number that the API may lack. An empty field or zero removes it. */
function optionalNumber(range: Range): Field<number, NumberOrEmpty> & Range {
  return { ...range, initial: "", read: (sent) => sent ?? "", write: (value) => value || null };
}

/** A time of day as `02:00`. */
function time(initial: string): Field<string, string> {
  return { initial, read: (sent) => (sent ?? "").slice(0, 5), write: (value) => value || null };
}

function weekdays(): Field<number[], number[]> {
  return { initial: [], read: (sent) => sent ?? [], write: (value) => [...value].sort() };
}

/** A list, in the form one item per line. */
function lines(): Field<string[], string> {
  const split = (value: string) => value.split("\n").map((line) => line.trim());
  return { initial: "", read: (sent) => (sent ?? []).join("\n"), write: (value) => split(value).filter(Boolean) };
}

const LIMIT = { min: 1, max: 36_500 };
const KEPT = { min: 0, max: 9999 };

/** A new configuration runs every night and keeps backups for a month. */
export const FIELDS = {
  name: text(),
  description: text(),
  backup_type: choice<Schemas["BackupType"]>("FULL", "FULL"),
  frequency: choice<Schemas["Frequency"]>("DAILY", "ON_DEMAND"),
  schedule_time: time("02:00"),
  schedule_days: weekdays(),
  schedule_day_of_month: optionalNumber({ min: 1, max: 28 }),
  is_enabled: flag(),
  retention_days: count(30, "", LIMIT),
  max_backups: count(30, "", LIMIT),
  keep_daily: count(0, 0, KEPT),
  keep_weekly: count(0, 0, KEPT),
  keep_monthly: count(0, 0, KEPT),
  keep_yearly: count(0, 0, KEPT),
  storage_path: text(),
  time_limit_minutes: optionalNumber(LIMIT),
  compression_enabled: flag(),
  encryption_enabled: flag(),
  include: lines(),
  exclude: lines(),
} satisfies {
  // The form shows every field of the request except these two, which only the server sets.
  [Name in Exclude<keyof Request, "is_ad_hoc" | "status">]-?: Field<NonNullable<Request[Name]>, unknown>;
};

export type FieldName = keyof typeof FIELDS;

/** The fields with a whole number. */
export type NumberField = { [Name in FieldName]: (typeof FIELDS)[Name] extends Range ? Name : never }[FieldName];

export const RETENTION_FIELDS = [
  "retention_days",
  "max_backups",
  "keep_daily",
  "keep_weekly",
  "keep_monthly",
  "keep_yearly",
] as const satisfies FieldName[];

export const ADVANCED_FIELDS = [
  "storage_path",
  "time_limit_minutes",
  "include",
  "exclude",
  "compression_enabled",
  "encryption_enabled",
] as const satisfies FieldName[];
