/** The cells with the results of a configuration. */

import { Anchor, Group, Stack, Text, Tooltip } from "@mantine/core";
import { Link } from "react-router";

import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { JobStatusBadge, ValueBadge } from "../../../components/badges";
import { dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { ProgressView } from "../../../components/ProgressView";
import { type Configuration, isScheduleActive } from "./formValues";
import { type Results, useConfigurationResults } from "./useConfigurationResults";

/** A relative time. The exact time is its tooltip. */
export function RelativeTime({ at }: { at: string }) {
  const ago = useRelativeTime();
  return (
    <Tooltip label={dateTime(at)}>
      <Text component="time" dateTime={at} size="sm" tabIndex={0} title={dateTime(at)}>
        {ago(at)}
      </Text>
    </Tooltip>
  );
}

/** The running job, or else the result of the last run. */
export function LastResult({ row }: { row: Configuration }) {
  const base = useConsolePath();
  const { current, last } = useConfigurationResults(row);
  if (current) {
    return (
      <Stack gap={4}>
        <Anchor component={Link} to={`${base}/history/${current.uuid}`} size="sm">
          {label("jobStatus", current.status)}
        </Anchor>
        {current.progress && <ProgressView progress={current.progress} />}
      </Stack>
    );
  }
  if (last === null) {
    return <Text size="sm">{t("configurations.noRun")}</Text>;
  }
  return (
    <Group gap={6}>
      <Anchor
        component={Link}
        to={`${base}/history/${last.uuid}`}
        aria-label={`${label("jobStatus", last.status)}, ${last.job_name}`}
      >
        <JobStatusBadge job={last} />
      </Anchor>
      <RelativeTime at={last.completed_at ?? last.queued_at} />
    </Group>
  );
}

/** The age of the newest good backup, whether it is overdue, and its trust level. */
export function LastGood({ row }: { row: Configuration }) {
  const { good, lateSince } = useConfigurationResults(row);
  return (
    <Stack gap={2}>
      <NewestGoodBackup good={good} />
      {lateSince && (
        <Text size="sm" fw={600} c="var(--mantine-color-error)">
          {t("configurations.lateSince", { time: dateTime(lateSince) })}
        </Text>
      )}
    </Stack>
  );
}

function NewestGoodBackup({ good }: Pick<Results, "good">) {
  if (good === null) {
    return (
      <Text size="sm" fw={600}>
        {t("configurations.noGood")}
      </Text>
    );
  }
  return (
    <Group gap={6}>
      <RelativeTime at={good.started_at ?? good.queued_at} />
      <ValueBadge group="trust" value={good.trust} />
    </Group>
  );
}

export function NextRun({ row }: { row: Configuration }) {
  if (row.next_run) {
    return <RelativeTime at={row.next_run} />;
  }
  const why = row.frequency === "ON_DEMAND" ? "noNextOnDemand" : isScheduleActive(row) ? "noNext" : "noNextOff";
  return (
    <Text size="sm" c="dimmed">
      {t(`configurations.${why}`)}
    </Text>
  );
}
