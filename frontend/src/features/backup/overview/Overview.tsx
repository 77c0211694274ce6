/** The overview: the protection status, then its reasons, the next runs and the history of results. */

import { Grid, Stack, Title, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useApi } from "../../../api/ApiProvider";
import { configurationsQuery, statisticsQuery, statusQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { Loaded } from "../../../components/states";
import { ResultCalendar } from "../charts/ResultCalendar";
import { Findings } from "./Findings";
import { FirstSteps } from "./FirstSteps";
import { Freshness } from "./Freshness";
import { StorageGrowth } from "./StorageGrowth";
import { ProtectionStatus } from "./ProtectionStatus";
import { RunningJobs } from "./RunningJobs";
import { TrendCharts } from "../charts/TrendCharts";
import { UpcomingRuns } from "./UpcomingRuns";

const DAYS = 60;
/** Enough to find one that backs up the whole system. */
const CONFIGURATIONS = { limit: 100 };

export default function Overview() {
  const api = useApi();
  const status = useQuery(statusQuery(api));
  const statistics = useQuery(statisticsQuery(api, DAYS));
  // Only a system that is not protected has first steps to show, or a backup to offer.
  const enabled = status.data !== undefined && status.data.protection.state !== "PROTECTED";
  const configurations = useQuery({ ...configurationsQuery(api, CONFIGURATIONS), enabled }).data?.results;
  return (
    <Stack>
      <VisuallyHidden>
        <Title order={2}>{t("overview.title")}</Title>
      </VisuallyHidden>
      <Loaded query={status}>
        {(data) => (
          <>
            <RunningJobs running={data.running_jobs} waiting={data.waiting_jobs} />
            <ProtectionStatus status={data} configurations={configurations} />
            {configurations && <FirstSteps status={data} configurations={configurations} />}
            <Grid>
              <Grid.Col span={{ base: 12, lg: 7 }}>
                <Stack>
                  <Freshness rows={data.freshness} leftOut={data.freshness_left_out} />
                  <UpcomingRuns rows={data.freshness} />
                </Stack>
              </Grid.Col>
              <Grid.Col span={{ base: 12, lg: 5 }}>
                <Findings />
              </Grid.Col>
            </Grid>
          </>
        )}
      </Loaded>
      <Loaded query={statistics}>
        {(data) => (
          <>
            <ResultCalendar statistics={data} />
            <StorageGrowth growth={data.growth} />
            <TrendCharts days={data.days} />
          </>
        )}
      </Loaded>
    </Stack>
  );
}
