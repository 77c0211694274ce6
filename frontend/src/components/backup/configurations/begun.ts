/** What somebody has begun to write and has not saved. It outlives the drawer, which the browser's way back closes, too, and so
 * does the end of a session. */

import { useEffect, useState } from "react";

import { type Configuration, type Draft, draftOf, FRESH } from "./draft";

/** Of each the draft, and what was saved when it was begun. */
const begun = new Map<string, { draft: Draft; saved: Draft }>();

/** Whether there is such a draft, of the configuration with that uuid or of a "new" one. */
export function isBegun(which: string): boolean {
  return begun.has(which);
}

export function forget(which: string): void {
  begun.delete(which);
}

/** The draft of a configuration, or of a new one: as it was left, or as it is saved. `saved` is what it was begun from. */
export function useDraft(row: Configuration | null) {
  const which = row?.uuid ?? "new";
  const [left] = useState(() => begun.get(which));
  const [saved] = useState(() => left?.saved ?? (row === null ? FRESH : draftOf(row)));
  const [draft, setDraft] = useState(left?.draft ?? saved);
  useEffect(() => {
    if (draft !== saved) {
      begun.set(which, { draft, saved });
    }
  }, [which, draft, saved]);
  const change = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));
  return { draft, change, saved, isLeft: left !== undefined };
}
