/** The API and the queries of whoever is below. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";

import { type Api, createApi, type Headers, isUnanswered } from "./client";

interface BackupApi {
  api: Api;
  /** The address below which the API lies, without a slash at its end. */
  baseUrl: string;
  /** What is sent with every request; without it the browser's own session counts. */
  headers: Headers | undefined;
}

const Context = createContext<BackupApi | null>(null);

/** What is refused is not asked for again; what was not reached is, twice. */
function retry(failures: number, error: Error): boolean {
  return failures < 2 && isUnanswered(error);
}

/** Whatever the browser thinks of its network: the server may be on this machine. And what could not be sent is not kept to be
 * sent later, when nobody thinks of it any more. */
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
  /** Called when an answer says that nobody is signed in any more; the same function at every render. */
  onSignedOut?: (() => void) | undefined;
  /** Sent with every request; the same function at every render. */
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

/** What is to be sent with every request; undefined where the session of the browser counts. */
export function useHeaders(): Headers | undefined {
  return useBackupApi().headers;
}

/** The address of something in the API, for links and downloads. */
export function useApiUrl(): (path: string) => string {
  const { baseUrl } = useBackupApi();
  return useCallback((path) => `${baseUrl}${path}`, [baseUrl]);
}
