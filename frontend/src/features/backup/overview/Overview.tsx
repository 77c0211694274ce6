/** The overview: the protection status and its reasons at a glance, or the next runs and the trends. */

import { Grid, SegmentedControl, Stack, Title, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useApi } from "../../../api/ApiProvider";
import { configurationsQuery, statisticsQuery, statusQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { useUrlFilters } from "../../../components/urlFilters";
import type { Schemas } from "../../../api/client";
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
  const { params, setFilter } = useUrlFilters();
  const shown = params.get("show") === "trends" ? "trends" : "now";
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
            <ProtectionStatus status={data} configurations={configurations} withWarnings={shown === "trends"} />
            {configurations && <FirstSteps status={data} configurations={configurations} />}
            <SegmentedControl
              aria-label={t("overview.shown")}
              value={shown}
              onChange={(value) => setFilter("show", value === "trends" ? value : null)}
              data={[
                { value: "now", label: t("overview.now") },
                { value: "trends", label: t("overview.trends") },
              ]}
              style={{ alignSelf: "flex-start" }}
            />
            {shown === "trends" ? (
              <Trends rows={data.freshness} />
            ) : (
              <Grid>
                <Grid.Col span={{ base: 12, md: 7 }}>
                  <Freshness rows={data.freshness} leftOut={data.freshness_left_out} />
                </Grid.Col>
                <Grid.Col span={{ base: 12, md: 5 }}>
                  <Findings />
                </Grid.Col>
              </Grid>
            )}
          </>
        )}
      </Loaded>
    </Stack>
  );
}

function Trends({ rows }: { rows: Schemas["Freshness"][] }) {
  const statistics = useQuery(statisticsQuery(useApi(), DAYS));
  return (
    <>
      <UpcomingRuns rows={rows} />
      <Loaded query={statistics}>
        {(data) => (
          <>
            <ResultCalendar statistics={data} />
            <StorageGrowth growth={data.growth} />
            <TrendCharts days={data.days} />
          </>
        )}
      </Loaded>
    </>
  );
}
