/** Relative times that stay current while a page is open, with or without news of the server. */

import { useSyncExternalStore } from "react";

import { ago } from "./format";

const TICK_MS = 5_000;
const listeners = new Set<() => void>();
let ticks = 0;
let timer = 0;

function tick(): void {
  ticks += 1;
  listeners.forEach((notify) => notify());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ||= window.setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      window.clearInterval(timer);
      timer = 0;
    }
  };
}

/** Return `ago`, for a component that is drawn again as time passes. */
export function useRelativeTime(): (text: string) => string {
  useSyncExternalStore(subscribe, () => ticks);
  return ago;
}
