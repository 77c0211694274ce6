/** Provides the API client and its queries to the components below. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";

import { type Api, createApi, type Headers, isUnanswered } from "./client";

interface BackupApi {
  api: Api;
  /** The address of the API without a trailing slash. */
  baseUrl: string;
  /** Headers for every request. Without them, the session of the browser counts. */
  headers: Headers | undefined;
}

const Context = createContext<BackupApi | null>(null);

/** Retry twice when the server was not reached. An answer that refuses is final. */
function retry(failures: number, error: Error): boolean {
  return failures < 2 && isUnanswered(error);
}

/**
 * Ignore the browser's own idea of its network: the server may run on this machine. A failed change is not queued,
 * because the user may have moved on.
 */
const networkMode = "always";

export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry, staleTime: 5_000, refetchOnWindowFocus: true, networkMode },
      mutations: { retry: false, networkMode },
    },
  });
}

interface ApiProviderProps {
  baseUrl: string;
  /** Called when the user is no longer signed in. Pass the same function at every render. */
  onSignedOut?: (() => void) | undefined;
  /** Headers for every request. Pass the same function at every render. */
  headers?: Headers | undefined;
  children: ReactNode;
}

export function ApiProvider({ baseUrl, onSignedOut, headers, children }: ApiProviderProps) {
  const backupApi = useMemo(
    () => ({ api: createApi(baseUrl, onSignedOut, headers), baseUrl, headers }),
    [baseUrl, onSignedOut, headers],
  );
  const [queries] = useState(createQueries);
  return (
    <Context.Provider value={backupApi}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </Context.Provider>
  );
}

function useBackupApi(): BackupApi {
  const backupApi = useContext(Context);
  if (backupApi === null) {
    throw new Error("There is no ApiProvider above this component.");
  }
  return backupApi;
}

export function useApi(): Api {
  return useBackupApi().api;
}

/** Return the headers for every request, or undefined where the session of the browser counts. */
export function useHeaders(): Headers | undefined {
  return useBackupApi().headers;
}

/** Return a function that builds an address in the API, for links and downloads. */
export function useApiUrl(): (path: string) => string {
  const { baseUrl } = useBackupApi();
  return useCallback((path) => `${baseUrl}${path}`, [baseUrl]);
}
