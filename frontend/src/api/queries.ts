/** The queries of the views. An event invalidates queries by the first word of their keys. */

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import type { paths } from "./schema";
import { type Api, type Schemas, unwrap } from "./client";

export type JobsQuery = NonNullable<paths["/jobs/"]["get"]["parameters"]["query"]>;
export type ConfigurationsQuery = NonNullable<paths["/configurations/"]["get"]["parameters"]["query"]>;

export const permissionsQuery = (api: Api) =>
  queryOptions({
    queryKey: ["rights"],
    queryFn: () => unwrap(api.GET("/system/rights/")),
    staleTime: 60_000,
  });

/** The server examines the system every few seconds. A user who makes it protected waits for the new answer. */
export const statusQuery = (api: Api) =>
  queryOptions({
    queryKey: ["status"],
    queryFn: () => unwrap(api.GET("/system/status/")),
    refetchInterval: ({ state }) => (state.data?.protection.state === "UNPROTECTED" ? 10_000 : 60_000),
  });

export const jobsQuery = (api: Api, query: JobsQuery) =>
  queryOptions({
    queryKey: ["jobs", query],
    queryFn: () => unwrap(api.GET("/jobs/", { params: { query } })),
    placeholderData: keepPreviousData,
  });

export const jobQuery = (api: Api, uuid: string) =>
  queryOptions({
    queryKey: ["job", uuid],
    queryFn: () => unwrap(api.GET("/jobs/{uuid}/", { params: { path: { uuid } } })),
  });

export const configurationsQuery = (api: Api, query: ConfigurationsQuery = {}) =>
  queryOptions({
    queryKey: ["configurations", query],
    queryFn: () => unwrap(api.GET("/configurations/", { params: { query } })),
    placeholderData: keepPreviousData,
  });

/** Return the cursor in the address of another page. */
export function cursorOf(address: string | null | undefined): string | null {
  return address ? new URL(address, window.location.href).searchParams.get("cursor") : null;
}

/** The newest complete backup that can be restored here. Events about jobs invalidate it. */
export const suggestionQuery = (api: Api) =>
  queryOptions({ queryKey: ["jobs", "suggestion"], queryFn: () => unwrap(api.GET("/restores/suggestion/")) });

export const findingsQuery = (api: Api) =>
  queryOptions({
    queryKey: ["status", "findings"],
    queryFn: () => unwrap(api.GET("/system/findings/")),
    refetchInterval: 60_000,
  });

export const statisticsQuery = (api: Api, days: number) =>
  queryOptions({
    queryKey: ["statistics", days],
    queryFn: () => unwrap(api.GET("/system/statistics/", { params: { query: { days } } })),
    refetchInterval: 60_000,
    staleTime: 60_000,
  });

export const configurationStatisticsQuery = (api: Api, days: number, configuration: string) =>
  queryOptions({
    queryKey: ["statistics", days, configuration],
    queryFn: () => unwrap(api.GET("/system/statistics/", { params: { query: { days, configuration } } })),
    staleTime: 60_000,
  });

export const scheduleQuery = (api: Api, uuid: string, count: number) =>
  queryOptions({
    queryKey: ["configuration", uuid, "schedule", count],
    queryFn: () =>
      unwrap(api.GET("/configurations/{uuid}/schedule/", { params: { path: { uuid }, query: { count } } })),
    refetchInterval: 300_000,
    staleTime: 60_000,
  });

/** The latest verifications and removals of a job. */
export const jobOperationsQuery = (api: Api, job: string) =>
  queryOptions({
    queryKey: ["operations", { job }],
    queryFn: () => unwrap(api.GET("/operations/", { params: { query: { job, limit: 5 } } })),
  });

/** The contents of a folder in a backup, or with `search`, the matches below it. A backup does not change. */
export const filesQuery = (api: Api, uuid: string, path: string, search: string) =>
  infiniteQueryOptions({
    queryKey: ["files", uuid, path, search],
    queryFn: ({ pageParam }) => {
      const query = { path, ...(search && { search }), ...(pageParam && { after: pageParam }) };
      return unwrap(api.GET("/jobs/{uuid}/files/", { params: { path: { uuid }, query } }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_after,
    staleTime: 300_000,
  });

/** The files of a backup whose document has all the words in its number, title, date or file name. */
export const backupDocumentsQuery = (api: Api, uuid: string, search: string) =>
  queryOptions({
    queryKey: ["backup-documents", uuid, search],
    queryFn: () => unwrap(api.GET("/jobs/{uuid}/documents/", { params: { path: { uuid }, query: { search } } })),
    staleTime: 300_000,
  });

const pages = {
  initialPageParam: null as string | null,
  getNextPageParam: (page: { next: string | null }) => cursorOf(page.next),
  placeholderData: keepPreviousData,
};

const after = (cursor: string | null) => (cursor === null ? {} : { cursor });

export const configurationPages = (api: Api, query: ConfigurationsQuery) =>
  infiniteQueryOptions({
    ...pages,
    queryKey: ["configurations", "pages", query],
    queryFn: ({ pageParam }) =>
      unwrap(api.GET("/configurations/", { params: { query: { ...query, ...after(pageParam) } } })),
  });

export const configurationQuery = (api: Api, uuid: string) =>
  queryOptions({
    queryKey: ["configuration", uuid],
    queryFn: () => unwrap(api.GET("/configurations/{uuid}/", { params: { path: { uuid } } })),
  });

/** The decision of retention on each backup of a configuration, by rules that may not be saved. */
export const retentionQuery = (api: Api, uuid: string, body: Schemas["RulesRequest"]) =>
  queryOptions({
    queryKey: ["configuration", uuid, "retention", body],
    queryFn: () =>
      unwrap(api.POST("/configurations/{uuid}/retention/", { params: { path: { uuid }, query: { all: true } }, body })),
    placeholderData: keepPreviousData,
  });

/** The schedule of an unsaved configuration. A validation error is an answer, too. */
export const previewQuery = (api: Api, body: Schemas["ConfigurationRequest"]) =>
  queryOptions({
    queryKey: ["preview", body],
    queryFn: () => unwrap(api.POST("/configurations/preview/", { body })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });

export const jobPages = (api: Api, query: JobsQuery) =>
  infiniteQueryOptions({
    ...pages,
    queryKey: ["jobs", "pages", query],
    queryFn: ({ pageParam }) => unwrap(api.GET("/jobs/", { params: { query: { ...query, ...after(pageParam) } } })),
  });

export type RestoresQuery = NonNullable<paths["/restores/"]["get"]["parameters"]["query"]>;
export type OperationsQuery = NonNullable<paths["/operations/"]["get"]["parameters"]["query"]>;

const WATCH_MS = 2_000;

export const restorePages = (api: Api, query: RestoresQuery) =>
  infiniteQueryOptions({
    ...pages,
    queryKey: ["restores", "pages", query],
    queryFn: ({ pageParam }) => unwrap(api.GET("/restores/", { params: { query: { ...query, ...after(pageParam) } } })),
  });

/**
 * One restore. While it runs it is polled, whatever the answer: a live restore swaps the database below the API, and
 * perhaps the session.
 */
export const restoreQuery = (api: Api, uuid: string) =>
  queryOptions({
    queryKey: ["restore", uuid],
    queryFn: () => unwrap(api.GET("/restores/{uuid}/", { params: { path: { uuid } } })),
    retry: false,
    refetchInterval: ({ state }) =>
      state.data && (state.error || ["PENDING", "RUNNING"].includes(state.data.status)) ? WATCH_MS : false,
  });

/** A ticket that shows one restore to its end, after a live restore has replaced the session of its user. */
export const watchTicketQuery = (api: Api, uuid: string) =>
  queryOptions({
    queryKey: ["restore-watch-ticket", uuid],
    queryFn: async () => (await unwrap(api.POST("/restores/{uuid}/watch/", { params: { path: { uuid } } }))).ticket,
    staleTime: Infinity,
    gcTime: Infinity,
  });

/** The progress and the result of a restore, for the holder of its ticket. */
export const watchedRestoreQuery = (api: Api, uuid: string, ticket: string) =>
  queryOptions({
    queryKey: ["restore-watch", uuid],
    queryFn: () =>
      unwrap(
        api.GET("/restores/{uuid}/watch/", { params: { path: { uuid }, header: { "X-Restore-Ticket": ticket } } }),
      ),
    refetchInterval: WATCH_MS,
  });

/** One operation, polled until it ends, because an event may be lost. */
export const operationQuery = (api: Api, uuid: string) =>
  queryOptions({
    queryKey: ["operation", uuid],
    queryFn: () => unwrap(api.GET("/operations/{uuid}/", { params: { path: { uuid } } })),
    refetchInterval: ({ state }) =>
      state.data && ["PENDING", "RUNNING"].includes(state.data.status) ? WATCH_MS : false,
  });

/** The repositories. An operation on them ends with an event about operations; the server measures once a minute. */
export const repositoriesQuery = (api: Api) =>
  queryOptions({
    queryKey: ["repositories"],
    queryFn: () => unwrap(api.GET("/system/repositories/")),
    refetchInterval: 30_000,
  });

export const installationQuery = (api: Api) =>
  queryOptions({
    queryKey: ["installation"],
    queryFn: () => unwrap(api.GET("/system/installation/")),
    refetchInterval: 15_000,
  });

export const operationsQuery = (api: Api, query: OperationsQuery) =>
  queryOptions({
    queryKey: ["operations", query],
    queryFn: () => unwrap(api.GET("/operations/", { params: { query } })),
  });

/** The tables of a backup. They never change. */
export const tablesQuery = (api: Api, uuid: string) =>
  queryOptions({
    queryKey: ["tables", uuid],
    queryFn: () => unwrap(api.GET("/jobs/{uuid}/tables/", { params: { path: { uuid } } })),
    staleTime: Infinity,
  });

export const uploadsQuery = (api: Api) =>
  queryOptions({
    queryKey: ["uploads"],
    queryFn: () => unwrap(api.GET("/uploads/", { params: { query: { limit: 50 } } })),
  });
