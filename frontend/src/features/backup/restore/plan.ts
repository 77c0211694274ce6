/** The contents of a plan. The API types it as any object, because each kind of operation has its own result. */

import { objects, text, texts, type Values } from "./jsonValues";

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

export interface Plan {
  backup: string;
  takenAt: string;
  toFolder: string;
  toDatabase: string;
  replacements: Replacement[];
  space: Space[];
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
      size: typeof one["size"] === "number" ? one["size"] : null,
      notes: texts(one["notes"]),
    })),
    space: objects(values["space"]).map((one) => ({
      where: text(one["where"]),
      needed: Number(one["needed"]),
      available: Number(one["available"]),
    })),
    ledger: text(values["ledger"]),
    safetyBackup: values["safety_backup"] === true,
    access: texts(values["access"]),
    blocking: texts(values["blocking"]),
    warnings: texts(values["warnings"]),
  };
}
