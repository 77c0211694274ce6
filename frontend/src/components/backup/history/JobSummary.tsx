/** The parts of a job that the table and the cards both show. */

import { Anchor, Group, Stack, Text } from "@mantine/core";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { label, t } from "../../../i18n";
import { ValueBadge } from "../common/badges";
import { ago, moment } from "../common/format";
import { ProgressView } from "../common/progress";

type Job = Schemas["Job"];

export function JobLink({ job }: { job: Job }) {
  return (
    <Anchor component={Link} to={`../history/${job.uuid}`} fw={500} style={{ overflowWrap: "anywhere" }}>
      {job.job_name}
    </Anchor>
  );
}

export function JobBadges({ job }: { job: Job }) {
  return (
    <Group gap={4}>
      <ValueBadge group="jobStatus" value={job.status} />
      {job.trust && job.has_backup && <ValueBadge group="trust" value={job.trust} />}
      {job.is_pinned && (
        <Text span size="xs" fw={500}>
          {t("history.pinned")}
        </Text>
      )}
      {job.removal_started_at && (
        <Text span size="xs" c="dimmed">
          {t("history.removed")}
        </Text>
      )}
    </Group>
  );
}

/** Why it failed, what it could not read, how far it is: whatever there is to say of it beyond numbers. */
export function JobRemarks({ job }: { job: Job }) {
  const bad = job.status === "FAILED" || job.status === "TIMEOUT" || job.trust === "DAMAGED";
  const counted = [
    job.problem_count > 0 ? t("history.problems", { count: job.problem_count }) : "",
    job.warnings.length > 0 ? t("history.warnings", { count: job.warnings.length }) : "",
  ].filter(Boolean);
  return (
    <Stack gap={2}>
      {job.error_message && (
        <Text size="sm" c={bad ? "var(--mantine-color-error)" : "dimmed"} lineClamp={3}>
          {job.error_message}
        </Text>
      )}
      {counted.length > 0 && <Text size="sm">{counted.join(", ")}</Text>}
      {job.status === "RUNNING" && job.progress && <ProgressView progress={job.progress} />}
    </Stack>
  );
}

export function JobWhen({ job }: { job: Job }) {
  const at = job.started_at ?? job.queued_at;
  return (
    <>
      <Text size="sm">{job.status === "PENDING" ? t("history.waiting", { time: moment(at) }) : moment(at)}</Text>
      <Text size="xs" c="dimmed">
        {ago(at)}
      </Text>
    </>
  );
}

export function JobOrigin({ job }: { job: Job }) {
  const parts = [
    job.configuration_name || t("history.noConfiguration"),
    label("backupType", job.backup_type),
    label("trigger", job.trigger),
  ];
  return (
    <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {parts.join(" · ")}
    </Text>
  );
}
