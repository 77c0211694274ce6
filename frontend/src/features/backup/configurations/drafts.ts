/** The unsaved drafts. They outlive the drawer and the session: each user finds only their own drafts. */

import { useEffect, useState } from "react";

import { type Configuration, type Draft, draftOf, NEW_DRAFT } from "./formValues";

/** Each draft with the saved values it started from. */
const drafts = new Map<string, { draft: Draft; saved: Draft }>();

const keyOf = (user: string, which: string) => `${which} ${user}`;

/** Return whether the user has a draft of the configuration with that uuid, or of a "new" one. */
export function hasDraft(user: string, which: string): boolean {
  return drafts.has(keyOf(user, which));
}

export function discardDraft(user: string, which: string): void {
  drafts.delete(keyOf(user, which));
}

/**
 * Return the draft of a configuration or of a new one: as the user left it, or as saved. `saved` is its starting
 * point.
 */
export function useDraft(user: string, row: Configuration | null) {
  const key = keyOf(user, row?.uuid ?? "new");
  const [previous] = useState(() => drafts.get(key));
  const [saved] = useState(() => previous?.saved ?? (row === null ? NEW_DRAFT : draftOf(row)));
  const [draft, setDraft] = useState(previous?.draft ?? saved);
  useEffect(() => {
    if (draft !== saved) {
      drafts.set(key, { draft, saved });
    }
  }, [key, draft, saved]);
  const change = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));
  return { draft, change, saved, isRestored: previous !== undefined };
}
