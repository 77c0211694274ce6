/** The latest runs of a configuration, each with its backup. */

import { Anchor, Button, Stack, Text } from "@mantine/core";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { JobStatusBadge, TrustBadge } from "../../../components/badges";
import { bytes, dateTime, duration } from "../../../components/format";
import { Section } from "../../../components/Section";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { Allowed } from "../permissions";
import type { Configuration } from "./formValues";

type Job = Schemas["Job"];

const COLUMNS: Column<Job>[] = [
  { header: "history.when", cell: (job) => <RunLink job={job} /> },
  {
    header: "history.result",
    cell: (job) => (
      <Stack gap={2} align="flex-start">
        <JobStatusBadge job={job} />
        {job.trust && job.has_backup && <TrustBadge job={job} />}
      </Stack>
    ),
  },
  {
    header: "history.took",
    align: "right",
    visibleFrom: "sm",
    cell: (job) => (job.duration_seconds === null ? "–" : duration(job.duration_seconds)),
  },
  { header: "history.size", align: "right", cell: (job) => (job.backup_size === null ? "–" : bytes(job.backup_size)) },
  { header: "configurations.actions", isHeaderHidden: true, align: "right", cell: (job) => <RestoreLink job={job} /> },
];

export function ConfigurationRuns({ row, jobs }: { row: Configuration; jobs: Job[] }) {
  const base = useConsolePath();
  return (
    <Section title={t("configurations.page.runs")}>
      {jobs.length === 0 ? (
        <Text>{t("configurations.noRun")}</Text>
      ) : (
        <DataTable columns={COLUMNS} rows={jobs} rowKey={(job) => job.uuid} fontSize="sm" />
      )}
      <Anchor component={Link} to={`${base}/history?configuration=${row.uuid}`} size="sm">
        {t("configurations.page.history")}
      </Anchor>
    </Section>
  );
}

function RunLink({ job }: { job: Job }) {
  const base = useConsolePath();
  const time = dateTime(job.started_at ?? job.queued_at);
  return (
    <Anchor
      component={Link}
      to={`${base}/history/${job.uuid}`}
      size="sm"
      aria-label={`${time}, ${job.job_name}`}
      title={job.job_name}
    >
      {time}
    </Anchor>
  );
}

function RestoreLink({ job }: { job: Job }) {
  const base = useConsolePath();
  return (
    job.has_backup && (
      <Allowed to="restore_backups">
        <Button
          component={Link}
          to={`${base}/restore?backup=${job.uuid}`}
          variant="subtle"
          size="compact-sm"
          aria-label={t("configurations.page.restoreOf", { name: job.job_name })}
        >
          {t("restore.source.choose")}
        </Button>
      </Allowed>
    )
  );
}
