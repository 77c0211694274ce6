/** The running jobs with their progress. */

import { Anchor, Group, Stack, Text } from "@mantine/core";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { label, t } from "../../../i18n";
import { ProgressView } from "../../../components/ProgressView";
import { Section } from "../../../components/Section";

type Job = Schemas["Job"];

export function RunningJobs({ running, waiting }: { running: Job[]; waiting: Job[] }) {
  if (running.length === 0 && waiting.length === 0) {
    return null;
  }
  return (
    <Section title={t("overview.running.title")}>
      <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
        {running.map((job) => (
          <li key={job.uuid}>
            <Group gap="xs">
              <Anchor component={Link} to={`../history/${job.uuid}`} fw={500} style={{ overflowWrap: "anywhere" }}>
                {job.job_name}
              </Anchor>
              <Text size="sm" c="dimmed">
                {label("backupType", job.backup_type)}
              </Text>
            </Group>
            {job.progress && <ProgressView progress={job.progress} />}
          </li>
        ))}
      </Stack>
      {waiting.length > 0 && (
        <Anchor component={Link} to="../history?status=PENDING" size="sm">
          {t("overview.running.waiting", { count: waiting.length })}
        </Anchor>
      )}
    </Section>
  );
}
