/** What somebody has begun to write and has not saved. It outlives the drawer, which the browser's way back closes, too, and so
 * does the end of a session: whoever signs in next finds their own. */

import { useEffect, useState } from "react";

import { type Configuration, type Draft, draftOf, FRESH } from "./draft";

/** Of each the draft, and what was saved when it was begun. */
const begun = new Map<string, { draft: Draft; saved: Draft }>();

const keyOf = (user: string, which: string) => `${which} ${user}`;

/** Whether that user has such a draft, of the configuration with that uuid or of a "new" one. */
export function isBegun(user: string, which: string): boolean {
  return begun.has(keyOf(user, which));
}

export function forget(user: string, which: string): void {
  begun.delete(keyOf(user, which));
}

/** The draft of a configuration, or of a new one: as it was left, or as it is saved. `saved` is what it was begun from. */
export function useDraft(user: string, row: Configuration | null) {
  const key = keyOf(user, row?.uuid ?? "new");
  const [left] = useState(() => begun.get(key));
  const [saved] = useState(() => left?.saved ?? (row === null ? FRESH : draftOf(row)));
  const [draft, setDraft] = useState(left?.draft ?? saved);
  useEffect(() => {
    if (draft !== saved) {
      begun.set(key, { draft, saved });
    }
  }, [key, draft, saved]);
  const change = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));
  return { draft, change, saved, isLeft: left !== undefined };
}
