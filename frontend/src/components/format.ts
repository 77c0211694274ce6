/** Times in the zone of the user, and sizes and durations in readable units. */

import { currentLanguage, locale } from "../i18n";
import { currentPreferences } from "./preferences";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Return a formatter in the language and the time format of the user. */
export function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const { clock } = currentPreferences();
  const hours = clock === "auto" ? {} : { hour12: clock === "12" };
  const key = JSON.stringify([locale(), clock, options]);
  const known = formatters.get(key) ?? new Intl.DateTimeFormat(locale(), { ...options, ...hours });
  formatters.set(key, known);
  return known;
}

/** Bytes in steps of 1000: `1.2 GB`. */
export function bytes(value: number): string {
  let step = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.5 && step < UNITS.length - 1) {
    rest /= 1000;
    step += 1;
  }
  const digits = step === 0 || Math.abs(rest) >= 100 ? 0 : 1;
  return `${decimal(rest, digits)} ${UNITS[step]}`;
}

/** A number with so many decimals, or at least `least`, in the notation of the language. */
function decimal(value: number, most: number, least = most): string {
  const digits = { maximumFractionDigits: most, minimumFractionDigits: least };
  return value.toLocaleString(locale(), { ...digits, useGrouping: false });
}

/** Seconds as `2 h 5 min`, `3 min 20 s`, `12 s`, `1.5 s`, `0.4 s`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) {
    return `${decimal(seconds, 1, 0)} s`;
  }
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours > 0) {
    return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
  }
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** A date with the time to the minute, in the zone of the user. */
export function dateTime(text: string): string {
  return dateFormat({ dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
}

export function calendarDate(text: string): string {
  return dateFormat({ dateStyle: "medium" }).format(new Date(text));
}

/** The time of day to the second. */
export function timeOfDay(at: Date): string {
  return dateFormat({ timeStyle: "medium" }).format(at);
}

/** `in 3 hours`, `2 days ago`. A unit counts from two on: a time 30 hours away may be tomorrow or the day after. */
export function ago(text: string, now: Date = new Date()): string {
  const seconds = (new Date(text).getTime() - now.getTime()) / 1000;
  // It stands inside sentences of the catalogue, so it takes their language.
  const relative = new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "auto" });
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["year", 31_536_000],
    ["month", 2_592_000],
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= 2 * size) {
      return relative.format(Math.trunc(seconds / size), unit);
    }
  }
  return relative.format(Math.trunc(seconds), "second");
}
