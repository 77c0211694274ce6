/** The contents of a plan. The API types it as any object, because each kind of operation has its own result. */

import { numberOrNull, objects, text, texts, type Values } from "./jsonValues";

export interface Replacement {
  kind: string;
  name: string;
  live: string;
  exists: boolean;
  size: number | null;
  notes: string[];
}

export interface Space {
  where: string;
  needed: number;
  available: number;
}

/** A table with another number of rows; null where it does not exist. */
export interface TableDifference {
  database: string;
  table: string;
  backup: number | null;
  live: number | null;
}

/** The files of a root that a restore brings back, changes and removes. */
export interface RootDifference {
  root: string;
  comesBack: number;
  changes: number;
  goesAway: number;
  same: number;
}

export interface Differences {
  tables: TableDifference[];
  files: RootDifference[];
  /** The parts that could not be compared, and the reasons. */
  unknown: string[];
}

export interface Plan {
  backup: string;
  takenAt: string;
  toFolder: string;
  toDatabase: string;
  replacements: Replacement[];
  space: Space[];
  /** Null where the plan made no comparison. */
  differences: Differences | null;
  ledger: string;
  safetyBackup: boolean;
  access: string[];
  blocking: string[];
  warnings: string[];
}

/** Return the plan in the result of an operation or in a restore, or null. */
export function planOf(values: Values): Plan | null {
  if (!Array.isArray(values["replacements"]) || !Array.isArray(values["blocking"])) {
    return null;
  }
  return {
    backup: text(values["backup"]),
    takenAt: text(values["taken_at"]),
    toFolder: text(values["to_folder"]),
    toDatabase: text(values["to_database"]),
    replacements: objects(values["replacements"]).map((one) => ({
      kind: text(one["kind"]),
      name: text(one["name"]),
      live: text(one["live"]),
      exists: one["exists"] === true,
      size: numberOrNull(one["size"]),
      notes: texts(one["notes"]),
    })),
    space: objects(values["space"]).map((one) => ({
      where: text(one["where"]),
      needed: Number(one["needed"]),
      available: Number(one["available"]),
    })),
    differences: differencesOf(values["differences"]),
    ledger: text(values["ledger"]),
    safetyBackup: values["safety_backup"] === true,
    access: texts(values["access"]),
    blocking: texts(values["blocking"]),
    warnings: texts(values["warnings"]),
  };
}

function differencesOf(value: unknown): Differences | null {
  const [values] = objects([value]);
  return values === undefined
    ? null
    : {
        tables: objects(values["tables"]).map((one) => ({
          database: text(one["database"]),
          table: text(one["table"]),
          backup: numberOrNull(one["backup"]),
          live: numberOrNull(one["live"]),
        })),
        files: objects(values["files"]).map((one) => ({
          root: text(one["root"]),
          comesBack: Number(one["comes_back"]),
          changes: Number(one["changes"]),
          goesAway: Number(one["goes_away"]),
          same: Number(one["same"]),
        })),
        unknown: texts(values["unknown"]),
      };
}
