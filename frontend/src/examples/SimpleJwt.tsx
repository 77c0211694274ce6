/**
 * The console in a project that signs in with djangorestframework-simplejwt and has no sessions.
 *
 * The server's part is in docs/examples/simplejwt. Store the tokens as your project does; the important part is
 * `headers`.
 */

import { useCallback, useState } from "react";

import BackupManagement from "../components/backup/BackupManagement";

export interface Tokens {
  access: string;
  refresh: string;
}

const EARLY_SECONDS = 30;

/** Return whether a signed token is still valid for a while. */
function isFresh(token: string): boolean {
  const [, claims = ""] = token.split(".");
  const { exp } = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))) as { exp: number };
  return exp - EARLY_SECONDS > Date.now() / 1_000;
}

export async function ask(path: string, body: object): Promise<Tokens> {
  const answer = await fetch(`/api/token/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(`Signing in failed: ${answer.status}`);
  }
  return (await answer.json()) as Tokens;
}

interface Props {
  tokens: Tokens;
  /** Opens the log-in page. */
  onSignedOut: () => void;
  basePath: string;
  apiUrl?: string;
}

export function Backups({ tokens, onSignedOut, basePath, apiUrl = "/api/v1/backup" }: Props) {
  const [held] = useState(() => ({ ...tokens, renewing: null as Promise<Tokens> | null }));
  const headers = useCallback(async () => {
    if (!isFresh(held.access)) {
      // Concurrent requests share one renewal.
      held.renewing ??= ask("refresh/", { refresh: held.refresh }).finally(() => (held.renewing = null));
      Object.assign(held, await held.renewing.catch(onSignedOut));
    }
    return { Authorization: `Bearer ${held.access}` };
  }, [held, onSignedOut]);
  return <BackupManagement apiUrl={apiUrl} basePath={basePath} headers={headers} onSignedOut={onSignedOut} />;
}
