/** The preferences of the user, remembered by this browser: language, density and time format. */

import { useSyncExternalStore } from "react";

export interface Preferences {
  /** The code of a language; empty for the language of the browser. */
  language: string;
  density: "comfortable" | "compact";
  /** `auto` follows the language. */
  clock: "auto" | "12" | "24";
}

const KEY = "edms-preferences";
export const DEFAULTS: Preferences = { language: "", density: "comfortable", clock: "auto" };
const listeners = new Set<() => void>();

let preferences = remembered();

/** Read a value that this browser keeps for the page. A browser that keeps nothing has none. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    // The user forbids pages to store data.
    return null;
  }
}

/** Keep a value in this browser, where it keeps values at all. Return whether it does. */
export function remember(key: string, value: string): boolean {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

function remembered(): Preferences {
  try {
    const stored: unknown = JSON.parse(recall(KEY) ?? "{}");
    return { ...DEFAULTS, ...(typeof stored === "object" ? stored : {}) };
  } catch {
    return DEFAULTS;
  }
}

export function currentPreferences(): Preferences {
  return preferences;
}

export function setPreferences(changes: Partial<Preferences>): void {
  preferences = { ...preferences, ...changes };
  remember(KEY, JSON.stringify(preferences));
  listeners.forEach((notify) => notify());
}

/** Return the preferences, for a component that is drawn again when they change. */
export function usePreferences(): Preferences {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentPreferences);
}
