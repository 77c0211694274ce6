/** The jobs of the history: loads more near the end, and keeps the pages in view current. */

import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";

import { useApi } from "../../../api/ApiProvider";
import {
  type JobList,
  jobListQuery,
  type JobPage,
  jobsOf,
  nextJobsQuery,
  shownJobsQuery,
  withPage,
} from "../../../api/jobList";
import type { JobsQuery } from "../../../api/queries";
import type { InView } from "../../../components/table/useVirtualRows";

/** Load the next page this many rows before the end. */
const PREFETCH_ROWS = 30;

export function useJobList(wanted: JobsQuery) {
  const api = useApi();
  const queries = useQueryClient();
  const options = jobListQuery(api, wanted);
  const query = useQuery(options);
  const { data: list, isPlaceholderData: isPreviousList, error } = query;
  const [view, setView] = useState<InView>({ first: 0, last: -1, isStill: false });
  const jobs = useMemo(() => jobsOf(list ?? []), [list]);
  const end = list?.at(-1)?.next ?? null;
  const isNear = !isPreviousList && view.last + PREFETCH_ROWS >= jobs.length;
  const more = useQuery(nextJobsQuery(api, wanted, isNear ? end : null));
  const shown = useQueries({
    queries:
      list && !isPreviousList && view.isStill
        ? pagesIn(list, view).map((page) => shownJobsQuery(api, wanted, page))
        : [],
    combine: combinePages,
  });
  useEffect(() => {
    const now = queries.getQueryData(options.queryKey);
    const then = [...shown.pages, ...(more.data ? [more.data] : [])].reduce(withPage, now ?? []);
    if (now !== undefined && then !== now) {
      queries.setQueryData(options.queryKey, then);
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only new answers change the list; the key is new at every render
  }, [shown.pages, more.data]);
  return {
    /** The first page. It has the error when `jobs` is undefined. */
    query,
    jobs: list && jobs,
    /** Whether the list still shows the previous filters, because the answer is pending. */
    isPreviousList,
    hasMore: end !== null,
    error: error ?? more.error ?? shown.error,
    retry: () =>
      void (error ? query.refetch() : more.error ? more.refetch() : queries.invalidateQueries({ queryKey: ["jobs"] })),
    setView,
  };
}

function combinePages(answers: { data: JobPage; error: Error | null }[]) {
  return { pages: answers.map(({ data }) => data), error: answers.find(({ error }) => error)?.error ?? null };
}

/** Return the pages with rows in view. */
function pagesIn(list: JobList, { first, last }: InView): JobList {
  let begin = 0;
  return list.filter(({ jobs }) => {
    const end = begin + jobs.length;
    const found = begin <= last && end > first;
    begin = end;
    return found;
  });
}
