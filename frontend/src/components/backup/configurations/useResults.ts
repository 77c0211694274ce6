/** What the jobs of a configuration say of it: what is at work, what came of the last one, how old the last good one is. */

import { skipToken, useQuery } from "@tanstack/react-query";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/context";
import { newestGoodQuery, newestJobsQuery, statusQuery } from "../../../api/queries";

type Job = Schemas["Job"];

export interface Results {
  /** What runs or waits now. */
  current: Job | undefined;
  /** The newest job that has ended; null if there is none, undefined while it is not known. */
  last: Job | null | undefined;
  /** The newest whose backup is there and whole; null and undefined as before. */
  good: Job | null | undefined;
  /** Since when the newest good one is older than its schedule promises; null while it is not, or promises nothing. */
  lateSince: string | null;
  error: Error | null;
}

const isOpen = (job: Job) => job.status === "PENDING" || job.status === "RUNNING";
const isGood = (job: Job) => job.status === "COMPLETED" && job.has_backup && job.trust !== "DAMAGED";

export function useResults(configuration: string): Results {
  const api = useApi();
  // What is at work comes from one query for all rows, which events keep fresh.
  const status = useQuery(statusQuery(api)).data;
  const open = [...(status?.running_jobs ?? []), ...(status?.waiting_jobs ?? [])];
  const current = open.find((job) => job.configuration === configuration);
  const ended = status?.recent_jobs.find((job) => job.configuration === configuration && !isOpen(job));
  const seen = `${current?.uuid ?? ""} ${ended?.uuid ?? ""} ${ended?.trust ?? ""}`;
  const newest = useQuery(newestJobsQuery(api, configuration, seen));
  const jobs = newest.data?.results;
  const near = jobs?.find(isGood);
  const elsewhere = newestGoodQuery(api, configuration, seen);
  // Where no other jobs follow there is none elsewhere either.
  const ends = newest.data?.next === null;
  const far = useQuery(jobs && !near && !ends ? elsewhere : { ...elsewhere, queryFn: skipToken });
  return {
    current,
    last: jobs && (jobs.find((job) => !isOpen(job)) ?? null),
    good: near ?? (ends ? null : far.data && (far.data.results.find(isGood) ?? null)),
    lateSince: status?.freshness.find((one) => one.configuration === configuration)?.late_since ?? null,
    error: newest.error ?? far.error,
  };
}
