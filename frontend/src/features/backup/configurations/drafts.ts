/** What somebody has drafts to write and has not saved. It outlives the drawer, which the browser's way back closes, too, and so
 * does the end of a session: whoever signs in next finds their own. */

import { useEffect, useState } from "react";

import { type Configuration, type Draft, draftOf, NEW_DRAFT } from "./draft";

/** Of each the draft, and what was saved when it was drafts. */
const drafts = new Map<string, { draft: Draft; saved: Draft }>();

const keyOf = (user: string, which: string) => `${which} ${user}`;

/** Whether that user has such a draft, of the configuration with that uuid or of a "new" one. */
export function hasDraft(user: string, which: string): boolean {
  return drafts.has(keyOf(user, which));
}

export function discardDraft(user: string, which: string): void {
  drafts.delete(keyOf(user, which));
}

/** The draft of a configuration, or of a new one: as it was left, or as it is saved. `saved` is what it was drafts from. */
export function useDraft(user: string, row: Configuration | null) {
  const key = keyOf(user, row?.uuid ?? "new");
  const [left] = useState(() => drafts.get(key));
  const [saved] = useState(() => left?.saved ?? (row === null ? NEW_DRAFT : draftOf(row)));
  const [draft, setDraft] = useState(left?.draft ?? saved);
  useEffect(() => {
    if (draft !== saved) {
      drafts.set(key, { draft, saved });
    }
  }, [key, draft, saved]);
  const change = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));
  return { draft, change, saved, isLeft: left !== undefined };
}
