/** The protection status in one sentence and one colour, as the server reports it. */

import { Group, List, Paper, Stack, Text, Title } from "@mantine/core";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import type { Configuration } from "../configurations/formValues";
import { BackUpNow } from "./BackUpNow";
import { CommandText } from "./CommandText";
import { wholeConfiguration } from "./firstSteps";

const LOOKS = {
  PROTECTED: { colour: "green", mark: "✓" },
  AT_RISK: { colour: "yellow", mark: "!" },
  UNPROTECTED: { colour: "red", mark: "✕" },
} as const;

interface Props {
  status: Schemas["Status"];
  /** Undefined until they are loaded. */
  configurations: Configuration[] | undefined;
  /** Whether to list the open warnings, where the findings are not beside. */
  withWarnings: boolean;
}

export function ProtectionStatus({ status, configurations, withWarnings }: Props) {
  const ago = useRelativeTime();
  const verdict = status.protection;
  /** Protected with open warnings is not a plain yes. */
  const isWarned = verdict.state === "PROTECTED" && verdict.warnings > 0;
  const { colour, mark } = isWarned ? { ...LOOKS.PROTECTED, colour: "yellow" } : LOOKS[verdict.state];
  return (
    <Paper
      component="section"
      aria-labelledby="protection-answer"
      px="lg"
      py="sm"
      bg={`var(--mantine-color-${colour}-light)`}
      style={{ borderInlineStart: `8px solid var(--mantine-color-${colour}-filled)` }}
    >
      <Group justify="space-between" align="start" gap="xl">
        <Stack gap={4} style={{ flex: "1 1 24rem" }}>
          <Text size="sm">{t("overview.protection.heading")}</Text>
          <Title order={3} size="h2" id="protection-answer" aria-live="polite">
            <span aria-hidden>{mark} </span>
            {isWarned
              ? t("overview.protection.warned", { count: verdict.warnings })
              : t(`overview.protection.${verdict.state}`)}
          </Title>
          <Text style={{ overflowWrap: "anywhere" }}>
            <CommandText text={verdict.reason} />
          </Text>
          {isWarned && withWarnings && (
            <List size="sm">
              {verdict.open.map((one) => (
                <List.Item key={one} style={{ overflowWrap: "anywhere" }}>
                  <CommandText text={one} />
                </List.Item>
              ))}
            </List>
          )}
          {verdict.next_step && (
            <Text>
              <strong>{t("overview.protection.next")}: </strong>
              <CommandText text={verdict.next_step} />
            </Text>
          )}
          {verdict.state === "UNPROTECTED" && configurations && (
            <BackUpNow configuration={wholeConfiguration(configurations)} />
          )}
          <Text size="sm">
            {[
              verdict.since && t("overview.protection.since", { time: dateTime(verdict.since) }),
              t("overview.protection.examined", { time: ago(verdict.examined_at) }),
            ]
              .filter(Boolean)
              .join(" · ")}
          </Text>
        </Stack>
        <Counts status={status} />
      </Group>
    </Paper>
  );
}

function Counts({ status }: { status: Schemas["Status"] }) {
  const { success_rate: rate, total_backups: total } = status;
  return (
    <Stack gap={2}>
      <Text size="sm">{t("overview.counts.heading")}</Text>
      <Text fw={500}>{rate === null ? t("overview.counts.none") : t("overview.counts.success", { rate, total })}</Text>
      {status.failed_backups > 0 && <Text>{t("overview.counts.failed", { count: status.failed_backups })}</Text>}
      <Text>{t("overview.counts.configurations", { count: status.active_configurations })}</Text>
    </Stack>
  );
}
