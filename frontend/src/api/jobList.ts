/** Jobs, page after page, as far as somebody has gone back.
 *
 * The list is none of the queries that an event makes out of date: asking for all of its pages anew takes the longer the
 * further one has gone. Each page can be had again by itself, and takes the place of what lay between its ends.
 */

import { keepPreviousData, type Query, queryOptions, skipToken } from "@tanstack/react-query";

import { type Api, type Schemas, unwrap } from "./client";
import { cursorOf, type JobsQuery } from "./queries";

const PAGE = 50;
const KEPT_MS = 30 * 60_000;

/** What follows a cursor; the empty one is that of the beginning. */
export interface JobPage {
  cursor: string;
  jobs: Schemas["Job"][];
  /** The cursor of what follows, null at the end. */
  next: string | null;
  /** When it was asked for, in milliseconds of the clock. */
  asked: number;
}

export type JobList = JobPage[];

export async function fetchJobs(api: Api, query: JobsQuery, cursor: string, signal: AbortSignal): Promise<JobPage> {
  const asked = Date.now();
  const wanted = { ...query, limit: PAGE, ...(cursor && { cursor }) };
  const { results, next } = await unwrap(api.GET("/jobs/", { params: { query: wanted }, signal }));
  return { cursor, jobs: results, next: cursorOf(next), asked };
}

/** What has not been answered is asked for whenever everything is; what has been, never again. */
const untilKnown = ({ state }: Pick<Query, "state">) => (state.data === undefined ? 0 : "static");

/** The list as far as it is known. It is asked for once; `withPage` says how it grows and changes. */
export const jobListQuery = (api: Api, query: JobsQuery) =>
  queryOptions({
    queryKey: ["list of jobs", query],
    queryFn: async ({ signal }): Promise<JobList> => [await fetchJobs(api, query, "", signal)],
    placeholderData: keepPreviousData,
    staleTime: untilKnown,
    gcTime: KEPT_MS,
    // To look for what is equal in thousands of jobs takes longer than to draw the few that are shown.
    structuralSharing: false,
  });

/** What follows the end of a list; with null nothing is asked for. */
export const nextJobsQuery = (api: Api, query: JobsQuery, cursor: string | null) =>
  queryOptions({
    queryKey: ["list of jobs", query, "after", cursor],
    queryFn: cursor === null ? skipToken : ({ signal }) => fetchJobs(api, query, cursor, signal),
    staleTime: untilKnown,
    gcTime: 0,
  });

/** A page that is looked at. An event has it asked for anew, as every other query of jobs. */
export const shownJobsQuery = (api: Api, query: JobsQuery, page: JobPage) =>
  queryOptions({
    queryKey: ["jobs", "shown", query, page.cursor],
    queryFn: ({ signal }) => fetchJobs(api, query, page.cursor, signal),
    initialData: page,
    initialDataUpdatedAt: page.asked,
  });

/** The list with a page that was asked for: new at its end, or in the place of everything between the page's ends.
 *
 * What the list did not begin with any more by the time that the answer came is left as it is.
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

/** What of these pages lies beyond the end of that one. Nothing, where its end is not among them: too much is new. */
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

/** All jobs of a list in their order. One that has moved meanwhile stands where it was found first. */
export function jobsOf(list: JobList): Schemas["Job"][] {
  return [...new Map(list.flatMap(({ jobs }) => jobs).map((job) => [job.uuid, job])).values()];
}
