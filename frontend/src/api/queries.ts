/** What the views ask for. The first word of a key is what an event makes out of date. */

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import type { paths } from "./schema";
import { type Api, unwrap } from "./client";

export type JobsQuery = NonNullable<paths["/jobs/"]["get"]["parameters"]["query"]>;
export type ConfigurationsQuery = NonNullable<paths["/configurations/"]["get"]["parameters"]["query"]>;

export const statusQuery = (api: Api) =>
  queryOptions({ queryKey: ["status"], queryFn: () => unwrap(api.GET("/system/status/")), refetchInterval: 60_000 });

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

const HISTORY_PAGE = 50;
/** So many pages stay: however far one goes back, the page in the browser gets no larger, nor what an event asks anew. */
const HISTORY_PAGES = 6;

/** Jobs page by page, older and newer ones. Its pages are those of the server, which begin after a row. */
export const jobPagesQuery = (api: Api, query: JobsQuery) =>
  infiniteQueryOptions({
    queryKey: ["jobs", "pages", query],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/jobs/", { params: { query: { ...query, limit: HISTORY_PAGE, ...(pageParam && { cursor: pageParam }) } } }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
    getPreviousPageParam: (page) => cursorOf(page.previous),
    maxPages: HISTORY_PAGES,
    placeholderData: keepPreviousData,
  });

function cursorOf(address: string | null | undefined): string | null {
  return address ? new URL(address, window.location.href).searchParams.get("cursor") : null;
}

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

export const scheduleQuery = (api: Api, uuid: string, count: number) =>
  queryOptions({
    queryKey: ["configuration", uuid, "schedule", count],
    queryFn: () =>
      unwrap(api.GET("/configurations/{uuid}/schedule/", { params: { path: { uuid }, query: { count } } })),
    refetchInterval: 300_000,
    staleTime: 60_000,
  });

/** The latest operations of a job: verifications, removals. */
export const jobOperationsQuery = (api: Api, job: string) =>
  queryOptions({
    queryKey: ["operations", { job }],
    queryFn: () => unwrap(api.GET("/operations/", { params: { query: { job, limit: 5 } } })),
  });

/** What lies at a path of a backup, or below it with `search` in its name. A backup does not change. */
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
