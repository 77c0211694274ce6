/** What the views ask for. The first word of a key is what an event makes out of date. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";

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
