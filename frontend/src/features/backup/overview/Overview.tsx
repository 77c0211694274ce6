/** Whether the documents are safe, at a glance; then why, what next, and how it has been. */

import { Grid, Stack, Title, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useApi } from "../../../api/ApiProvider";
import { statisticsQuery, statusQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { Loaded } from "../../../components/states";
import { Calendar } from "./ResultCalendar";
import { Findings } from "./Findings";
import { Freshness } from "./Freshness";
import { Growth } from "./StorageGrowth";
import { Protection } from "./ProtectionStatus";
import { Running } from "./RunningJobs";
import { Trends } from "./TrendCharts";
import { Upcoming } from "./UpcomingRuns";

const DAYS = 60;

export default function Overview() {
  const api = useApi();
  const status = useQuery(statusQuery(api));
  const statistics = useQuery(statisticsQuery(api, DAYS));
  return (
    <Stack>
      <VisuallyHidden>
        <Title order={2}>{t("overview.title")}</Title>
      </VisuallyHidden>
      <Loaded query={status}>
        {(data) => (
          <>
            <Running running={data.running_jobs} waiting={data.waiting_jobs} />
            <Protection status={data} />
            <Grid>
              <Grid.Col span={{ base: 12, lg: 7 }}>
                <Stack>
                  <Freshness rows={data.freshness} leftOut={data.freshness_left_out} />
                  <Upcoming rows={data.freshness} />
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
            <Calendar statistics={data} />
            <Growth growth={data.growth} />
            <Trends days={data.days} />
          </>
        )}
      </Loaded>
    </Stack>
  );
}
