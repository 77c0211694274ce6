/** Previews of the schedule and the retention while a configuration is edited. */

import { Button, Collapse, List, Paper, Stack, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, type Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { retentionQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { dateTime } from "../../../components/format";
import { Loaded, Loading } from "../../../components/states";
import { type Draft, rulesOf } from "./formValues";

const DEBOUNCE_MS = 350;

export function SchedulePreview({ query }: { query: UseQueryResult<Schemas["Schedule"]> }) {
  const { data, error } = query;
  return (
    <Paper withBorder p="sm" aria-live="polite">
      <Title order={3} size="h5" mb={4}>
        {t("configurations.preview.title")}
      </Title>
      {error ? <Invalid error={error} /> : data ? <Runs schedule={data} /> : <Loading />}
    </Paper>
  );
}

function Invalid({ error }: { error: Error }) {
  if (error instanceof ApiError && error.status === 400) {
    const said = error.problem?.errors.map((one) => one.message).join(" ");
    return (
      <Text size="sm">
        {t("configurations.preview.notYet")}
        {said ? `: ${said}` : ""}
      </Text>
    );
  }
  return <Text size="sm">{t("configurations.preview.fails", { message: error.message })}</Text>;
}

function Runs({ schedule }: { schedule: Schemas["Schedule"] }) {
  const { schedule_in_words: words, next_runs: runs, runs_by_schedule: bySchedule } = schedule;
  if (words === "on demand") {
    return <Text size="sm">{t("configurations.preview.onDemand")}</Text>;
  }
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        {t("configurations.preview.runs", { words })}
      </Text>
      {bySchedule ? (
        <>
          <Text size="sm">{t("configurations.preview.next")}</Text>
          <List size="sm" type="ordered">
            {runs.map((run) => (
              <List.Item key={run}>
                <time dateTime={run}>{dateTime(run)}</time>
              </List.Item>
            ))}
          </List>
        </>
      ) : (
        <Text size="sm">{t("configurations.preview.switchedOff")}</Text>
      )}
      <Text size="xs" c="dimmed">
        {t("configurations.preview.zone", { zone: schedule.time_zone })}
      </Text>
    </Stack>
  );
}

/** Return the retention rules as sentences. */
function sentences(draft: Draft): string[] {
  const said: string[] = [];
  if (draft.retention_days !== "" && draft.max_backups !== "") {
    const days = t("configurations.retention.days", { count: draft.retention_days });
    said.push(t("configurations.retention.rule", { days, count: draft.max_backups }));
  }
  const besides = (["daily", "weekly", "monthly", "yearly"] as const).flatMap((period) => {
    const count = draft[`keep_${period}`];
    return count ? [t(`configurations.retention.${period}`, { count })] : [];
  });
  if (besides.length > 0) {
    said.push(t("configurations.retention.besides", { list: besides.join(", ") }));
  }
  return [...said, t("configurations.retention.always")];
}

interface RetentionPreviewProps {
  draft: Draft;
  /** The uuid of the configuration, once it is saved. */
  saved: string | null;
}

export function RetentionPreview({ draft, saved }: RetentionPreviewProps) {
  return (
    <Paper withBorder p="sm">
      <Title order={3} size="h5" mb={4}>
        {t("configurations.retention.title")}
      </Title>
      <Stack gap={4}>
        {sentences(draft).map((sentence) => (
          <Text key={sentence} size="sm">
            {sentence}
          </Text>
        ))}
        {saved && <RetentionNow uuid={saved} draft={draft} />}
      </Stack>
    </Paper>
  );
}

/** The effect of the rules on the existing backups, before they are saved. */
function RetentionNow({ uuid, draft }: { uuid: string; draft: Draft }) {
  const [rules] = useDebouncedValue(rulesOf(draft), DEBOUNCE_MS);
  const query = useQuery(retentionQuery(useApi(), uuid, rules));
  const [open, setOpen] = useState(false);
  return (
    <Loaded query={query}>
      {(plan) =>
        plan.kept + plan.going === 0 ? (
          <Text size="sm">{t("configurations.retention.nothing")}</Text>
        ) : (
          <Stack gap={4} align="flex-start">
            <Text size="sm" fw={600}>
              {t("configurations.retention.now")}: {t("configurations.retention.kept", { count: plan.kept })},{" "}
              {t("configurations.retention.going", { count: plan.going })}.
            </Text>
            <Button variant="subtle" size="compact-sm" aria-expanded={open} onClick={() => setOpen(!open)}>
              {t(`configurations.retention.${open ? "hide" : "show"}`)}
            </Button>
            <Collapse expanded={open}>
              <List size="sm" spacing={2}>
                {plan.verdicts.map((one) => (
                  <List.Item key={one.job}>
                    {dateTime(one.taken_at)}: <b>{t(`configurations.retention.${one.keep ? "stays" : "goes"}`)}</b>,{" "}
                    {one.reasons.join(", ")}
                  </List.Item>
                ))}
              </List>
            </Collapse>
          </Stack>
        )
      }
    </Loaded>
  );
}
