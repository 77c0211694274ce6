/** A configuration as the form holds it, and the request that follows from it. */

import type { Schemas } from "../../../api/client";
import { type FieldName, FIELDS, type Request, RETENTION_FIELDS } from "./configurationFields";

export type Configuration = Schemas["Configuration"];

/** The fields of the API as a form holds them: none is absent, and lists are lines of text. */
export type Draft = { [Name in FieldName]: (typeof FIELDS)[Name]["initial"] };

export const TYPES: Schemas["BackupType"][] = ["FULL", "INCREMENTAL", "DIFFERENTIAL", "DATABASE", "FILES", "EXPORT"];
export const FREQUENCIES: Schemas["Frequency"][] = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "ON_DEMAND"];

const NAMES = Object.keys(FIELDS) as FieldName[];

/** The description of a field whose type does not matter here. */
interface AnyField {
  initial: unknown;
  read(sent: unknown): unknown;
  write(value: unknown): unknown;
}

/** Apply `convert` to each field. The results are as typed as the descriptions of the fields. */
function mapFields(convert: (field: AnyField, name: FieldName) => unknown): object {
  return Object.fromEntries(NAMES.map((name) => [name, convert(FIELDS[name] as AnyField, name)]));
}

export const NEW_DRAFT = mapFields((field) => field.initial) as Draft;

export function draftOf(row: Configuration): Draft {
  return mapFields((field, name) => field.read(row[name])) as Draft;
}

export function requestOf(draft: Draft): Request {
  const values = Object.entries(mapFields((field, name) => field.write(draft[name])));
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Request;
}

/** Return the rules of retention in a draft. */
export function rulesOf(draft: Draft): Schemas["RulesRequest"] {
  const rules = RETENTION_FIELDS.map((name) => [name, FIELDS[name].write(draft[name])] as const);
  return Object.fromEntries(rules.flatMap(([name, value]) => (value === undefined ? [] : [[name, value ?? 0]])));
}

/** Return only the fields that differ from `saved`: another user may have changed the rest in the meantime. */
export function changesOf(draft: Draft, saved: Draft): Partial<Request> {
  const before = new Map<string, string>(
    Object.entries(requestOf(saved)).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  const after = Object.entries(requestOf(draft));
  return Object.fromEntries(after.filter(([name, value]) => before.get(name) !== JSON.stringify(value)));
}

/** Whether the schedule is enabled, and no status of the configuration holds it up. */
export function isScheduleActive(row: Configuration): boolean {
  return row.is_enabled === true && row.status === "ACTIVE";
}
