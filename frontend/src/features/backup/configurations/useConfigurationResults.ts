/** The results of a configuration: its running job, its last result and its last good backup. */

import { useQuery } from "@tanstack/react-query";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { statusQuery } from "../../../api/queries";
import type { Configuration } from "./formValues";

export interface Results {
  /** The running or queued job. */
  current: Schemas["Job"] | undefined;
  /** The newest finished job. */
  last: Schemas["LatestJob"] | null;
  /** The newest job with a complete, stored backup. */
  good: Schemas["LatestJob"] | null;
  /** The time since when the newest good backup is overdue. Null while it is on time, or without a schedule. */
  lateSince: string | null;
}

export function useConfigurationResults(row: Configuration): Results {
  // One query, which events keep current, serves all rows.
  const status = useQuery(statusQuery(useApi())).data;
  const open = [...(status?.running_jobs ?? []), ...(status?.waiting_jobs ?? [])];
  return {
    current: open.find((job) => job.configuration === row.uuid),
    last: row.last_run,
    good: row.last_good,
    lateSince: status?.freshness.find((one) => one.configuration === row.uuid)?.late_since ?? null,
  };
}
