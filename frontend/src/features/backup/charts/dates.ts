/** Dates of the statistics, in the zone of the schedules and the same for every reader. */

import { dateFormat } from "../../../components/format";

export function longDay(date: string): string {
  return dateFormat({ dateStyle: "medium", timeZone: "UTC" }).format(new Date(date));
}

export function shortDay(date: string): string {
  return dateFormat({ day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(date));
}
