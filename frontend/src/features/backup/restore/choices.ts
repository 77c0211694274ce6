/** The choices for a restore: what, from where and to where. They stand in the address and in the request. */

import type { Schemas } from "../../../api/client";
import { text, texts, type Values } from "./jsonValues";

export type Target = Schemas["TargetEnum"];
/** Everything, the database, the files, selected paths, or selected tables. */
export type Part = "" | Schemas["OnlyEnum"] | "paths" | "tables";
const PARTS: readonly Part[] = ["database", "files", "paths", "tables"];

/** The choices for a restore. `paths` and `tables` only count when they are the selected part. */
export interface Choices {
  backup: string;
  upload: string;
  target: Target;
  name: string;
  part: Part;
  paths: string[];
  tables: string[];
  leaveOut: string[];
  safetyBackup: boolean;
  /** Whether to remove sessions and tokens. Null leaves it to the server, which removes only those of other systems. */
  dropAccess: boolean | null;
}

/** Return the selected paths or tables, or null where a whole part is selected. */
export function namedIn(choices: Choices): string[] | null {
  return choices.part === "paths" || choices.part === "tables" ? choices[choices.part] : null;
}

export const asTarget = (value: unknown): Target => (value === "folder" || value === "database" ? value : "live");
/** Parse "drop" or "keep". Null stands for the rule of the server. */
export const asAccess = (value: unknown): boolean | null => (value === "drop" ? true : value === "keep" ? false : null);
export const asPart = (value: unknown): Part => PARTS.find((one) => one === value) ?? "";

/** Return the choices of an operation. A plan takes the same arguments as its restore. */
export function choicesOf(values: Values): Choices {
  const [paths, tables] = [texts(values["paths"]), texts(values["tables"])];
  return {
    backup: text(values["backup"]),
    upload: text(values["upload"]),
    target: asTarget(values["target"]),
    name: text(values["name"]),
    part: paths.length > 0 ? "paths" : tables.length > 0 ? "tables" : asPart(values["only"]),
    paths,
    tables,
    leaveOut: texts(values["leave_out"]),
    safetyBackup: values["safety_backup"] !== false,
    dropAccess: typeof values["drop_access"] === "boolean" ? values["drop_access"] : null,
  };
}

/** Return the request for the API. */
export function requestOf(choices: Choices): Schemas["SourceRequest"] {
  const { part } = choices;
  return {
    ...(choices.backup ? { backup: choices.backup } : { upload: choices.upload }),
    target: choices.target,
    name: choices.name,
    only: part === "database" || part === "files" ? part : "",
    paths: part === "paths" ? choices.paths : [],
    tables: part === "tables" ? choices.tables : [],
    leave_out: choices.leaveOut,
    safety_backup: choices.safetyBackup,
    drop_access: choices.target === "live" && part !== "files" ? choices.dropAccess : null,
  };
}

/** Return the search part of the address, so that a link opens the same choices. */
export function searchOf(choices: Choices): string {
  const params = new URLSearchParams();
  const { backup, upload, target, name, part, leaveOut, safetyBackup, dropAccess } = choices;
  for (const [key, value] of Object.entries({ backup, upload, name, only: part })) {
    if (value) {
      params.set(key, value);
    }
  }
  if (target !== "live") {
    params.set("target", target);
  }
  const several = {
    leave_out: leaveOut,
    path: part === "paths" ? choices.paths : [],
    table: part === "tables" ? choices.tables : [],
  };
  for (const [key, values] of Object.entries(several)) {
    values.forEach((value) => params.append(key, value));
  }
  if (!safetyBackup) {
    params.set("safety", "no");
  }
  if (dropAccess !== null) {
    params.set("access", dropAccess ? "drop" : "keep");
  }
  return `?${params.toString()}`;
}

export function choicesIn(params: URLSearchParams): Choices {
  return {
    backup: params.get("backup") ?? "",
    upload: params.get("upload") ?? "",
    target: asTarget(params.get("target")),
    name: params.get("name") ?? "",
    part: asPart(params.get("only")),
    paths: params.getAll("path"),
    tables: params.getAll("table"),
    leaveOut: params.getAll("leave_out"),
    safetyBackup: params.get("safety") !== "no",
    dropAccess: asAccess(params.get("access")),
  };
}
