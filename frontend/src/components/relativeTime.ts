/** Time goes on while a page stays open, and what is said of it goes on, too, whether the server has news or not. */

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

/** `ago`, in a component that is drawn again as time goes by. */
export function useRelativeTime(): (text: string) => string {
  useSyncExternalStore(subscribe, () => ticks);
  return ago;
}
