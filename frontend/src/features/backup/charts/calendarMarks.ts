/** The meaning and the look of the squares of the calendar. */

import type { Schemas } from "../../../api/client";
import { label, t } from "../../../i18n";

export type Results = Record<string, number>;
export type Mark = "good" | "partly" | "bad" | "nothing";

/** The look of each mark. The signs are for readers who cannot tell the colours apart. */
export const MARKS: Record<Mark, { background: string; colour: string; sign: string }> = {
  good: { background: "var(--mantine-color-green-6)", colour: "black", sign: "" },
  partly: { background: "var(--mantine-color-yellow-5)", colour: "black", sign: "–" },
  bad: { background: "var(--mantine-color-red-7)", colour: "white", sign: "×" },
  nothing: { background: "var(--mantine-color-default-border)", colour: "black", sign: "" },
};

/** Forced colours must not replace these. */
export const DRAWN = { borderRadius: 2, forcedColorAdjust: "none" } as const;

export function markOf(results: Results | undefined): Mark {
  const has = (...statuses: string[]) => statuses.some((status) => (results?.[status] ?? 0) > 0);
  if (has("FAILED", "TIMEOUT")) {
    return "bad";
  }
  return has("INCOMPLETE", "MISSED", "CANCELLED") ? "partly" : has("COMPLETED") ? "good" : "nothing";
}

export function resultsInWords(results: Results | undefined): string {
  const parts = Object.entries(results ?? {}).map(([status, count]) => `${label("jobStatus", status)} ${count}`);
  return parts.join(", ") || t("overview.calendar.noResults");
}

/** Return the address of the jobs of a day in the console, of all configurations or of one. */
export function historyOf(day: Schemas["Day"], configuration?: string): string {
  const { begins_at: after, ends_at: before } = day;
  return `/history?${new URLSearchParams({ after, before, ...(configuration && { configuration }) })}`;
}
