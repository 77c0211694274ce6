/**
 * The list of jobs, page by page.
 *
 * Events do not invalidate the list as a whole: refetching all pages takes longer the further the user has scrolled.
 * Each page can be refetched alone, and replaces the part between its ends.
 */

import { keepPreviousData, type Query, queryOptions, skipToken } from "@tanstack/react-query";

import { type Api, type Schemas, unwrap } from "./client";
import { cursorOf, type JobsQuery } from "./queries";

const PAGE = 50;
const KEPT_MS = 30 * 60_000;

/** The jobs after a cursor. The empty cursor is the start. */
export interface JobPage {
  cursor: string;
  jobs: Schemas["Job"][];
  /** The cursor of the next page, or null at the end. */
  next: string | null;
  /** The time of the request in milliseconds. */
  asked: number;
}

export type JobList = JobPage[];

export async function fetchJobs(api: Api, query: JobsQuery, cursor: string, signal: AbortSignal): Promise<JobPage> {
  const asked = Date.now();
  const wanted = { ...query, limit: PAGE, ...(cursor && { cursor }) };
  const { results, next } = await unwrap(api.GET("/jobs/", { params: { query: wanted }, signal }));
  return { cursor, jobs: results, next: cursorOf(next), asked };
}

/** Retry an unanswered request. Never refetch an answered one. */
const untilKnown = ({ state }: Pick<Query, "state">) => (state.data === undefined ? 0 : "static");

/** The list as far as it is loaded. It is requested once; `withPage` extends and changes it. */
export const jobListQuery = (api: Api, query: JobsQuery) =>
  queryOptions({
    queryKey: ["list of jobs", query],
    queryFn: async ({ signal }): Promise<JobList> => [await fetchJobs(api, query, "", signal)],
    placeholderData: keepPreviousData,
    staleTime: untilKnown,
    gcTime: KEPT_MS,
    // A comparison of thousands of jobs takes longer than drawing the few in view.
    structuralSharing: false,
  });

/** The page after the end of the list. With null, nothing is requested. */
export const nextJobsQuery = (api: Api, query: JobsQuery, cursor: string | null) =>
  queryOptions({
    queryKey: ["list of jobs", query, "after", cursor],
    queryFn: cursor === null ? skipToken : ({ signal }) => fetchJobs(api, query, cursor, signal),
    staleTime: untilKnown,
    gcTime: 0,
  });

/** A page in view. An event refetches it, as every other query of jobs. */
export const shownJobsQuery = (api: Api, query: JobsQuery, page: JobPage) =>
  queryOptions({
    queryKey: ["jobs", "shown", query, page.cursor],
    queryFn: ({ signal }) => fetchJobs(api, query, page.cursor, signal),
    initialData: page,
    initialDataUpdatedAt: page.asked,
  });

/**
 * Return the list with a page: new at its end, or in place of everything between the ends of the page.
 *
 * The list stays unchanged when it no longer contains the start of the page.
 */
export function withPage(list: JobList, page: JobPage): JobList {
  if (list.at(-1)?.next === page.cursor) {
    return [...list, page];
  }
  const place = list.findIndex(({ cursor }) => cursor === page.cursor);
  const before = list[place];
  if (before === undefined || before.asked >= page.asked) {
    return list;
  }
  return [...list.slice(0, place), page, ...rest(list.slice(place), page)];
}

/** Return the jobs beyond the end of `page`. None when its end is not in the list: too much is new. */
function rest(list: JobList, page: JobPage): JobList {
  const last = page.jobs.at(-1)?.uuid;
  for (const [index, { jobs, ...known }] of list.entries()) {
    const found = jobs.findIndex(({ uuid }) => uuid === last);
    if (page.next !== null && found >= 0) {
      const beyond = jobs.slice(found + 1);
      const begun = { ...known, cursor: page.next, jobs: beyond };
      return [...(beyond.length > 0 ? [begun] : []), ...list.slice(index + 1)];
    }
  }
  return [];
}

/** Return all jobs of a list in order. A job that has moved counts where it was found first. */
export function jobsOf(list: JobList): Schemas["Job"][] {
  return [...new Map(list.flatMap(({ jobs }) => jobs).map((job) => [job.uuid, job])).values()];
}
