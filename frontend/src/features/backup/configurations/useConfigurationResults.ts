/** What the jobs of a configuration say of it: what is at work, what came of the last one, how old the last good one is. */

import { useQuery } from "@tanstack/react-query";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { statusQuery } from "../../../api/queries";
import type { Configuration } from "./draft";

export interface Results {
  /** What runs or waits now. */
  current: Schemas["Job"] | undefined;
  /** The newest job that has ended. */
  last: Schemas["LatestJob"] | null;
  /** The newest whose backup is there and whole. */
  good: Schemas["LatestJob"] | null;
  /** Since when the newest good one is older than its schedule promises; null while it is not, or promises nothing. */
  lateSince: string | null;
}

export function useConfigurationResults(row: Configuration): Results {
  // What is at work comes from one query for all rows, which events keep fresh.
  const status = useQuery(statusQuery(useApi())).data;
  const open = [...(status?.running_jobs ?? []), ...(status?.waiting_jobs ?? [])];
  return {
    current: open.find((job) => job.configuration === row.uuid),
    last: row.last_run,
    good: row.last_good,
    lateSince: status?.freshness.find((one) => one.configuration === row.uuid)?.late_since ?? null,
  };
}
