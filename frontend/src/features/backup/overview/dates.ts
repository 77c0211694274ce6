/** Dates of the statistics, in the zone of the schedules and the same for every reader. */

const long = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

export function longDay(date: string): string {
  return long.format(new Date(date));
}

export function shortDay(date: string): string {
  return short.format(new Date(date));
}
