/** The next runs on a timeline, one row per schedule. */

import { Anchor, Box, Group, Text } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { scheduleQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { dateFormat, dateTime } from "../../../components/format";
import { BreakableName } from "../../../components/BreakableName";
import { Section } from "../../../components/Section";

const HOURS = 48;
const HOUR_MS = 3_600_000;
const MOST_ROWS = 8;
const CLOCK = { weekday: "short", hour: "numeric", minute: "2-digit" } as const;

type Row = Schemas["Freshness"];

export function UpcomingRuns({ rows }: { rows: Row[] }) {
  const api = useApi();
  const next = rows
    .filter((row) => row.next_run !== null)
    .sort((one, other) => Date.parse(one.next_run ?? "") - Date.parse(other.next_run ?? ""))
    .slice(0, MOST_ROWS);
  const schedules = useQueries({ queries: next.map((row) => scheduleQuery(api, row.configuration, HOURS)) });
  const now = Date.now();
  return (
    <Section title={t("overview.upcoming.title")}>
      {next.length === 0 ? (
        <Text c="dimmed">{t("overview.upcoming.none")}</Text>
      ) : (
        <>
          <Scale now={now} />
          <Box component="ul" p={0} m={0} style={{ listStyle: "none" }}>
            {next.map((row, index) => (
              <li key={row.configuration}>
                <Line row={row} runs={schedules[index]?.data?.next_runs ?? [row.next_run ?? ""]} now={now} />
              </li>
            ))}
          </Box>
        </>
      )}
    </Section>
  );
}

function Scale({ now }: { now: number }) {
  const marks = [0, 12, 24, 36];
  return (
    <Box pos="relative" h="1.4rem" aria-hidden fz="xs" c="dimmed">
      {marks.map((hours) => (
        <span key={hours} style={{ position: "absolute", insetInlineStart: `${(hours / HOURS) * 100}%` }}>
          {hours === 0 ? t("overview.upcoming.now") : dateFormat(CLOCK).format(now + hours * HOUR_MS)}
        </span>
      ))}
    </Box>
  );
}

function Line({ row, runs, now }: { row: Row; runs: string[]; now: number }) {
  const places = runs.map((at) => (Date.parse(at) - now) / (HOURS * HOUR_MS)).filter((part) => part >= 0 && part < 1);
  const time = row.next_run ? dateTime(row.next_run) : t("common.unknown");
  const said =
    places.length > 0
      ? t("overview.upcoming.summary", { name: row.name, count: places.length, time, hours: HOURS })
      : t("overview.upcoming.summaryNone", { name: row.name, time, hours: HOURS });
  return (
    <Box mb="xs">
      <Group justify="space-between" gap="xs">
        <Anchor
          component={Link}
          to={`../configurations/${row.configuration}`}
          size="sm"
          style={{ overflowWrap: "anywhere" }}
        >
          <BreakableName text={row.name} />
        </Anchor>
        <Text size="xs" c="dimmed">
          {t("overview.upcoming.later", { time })}
        </Text>
      </Group>
      <Box
        role="img"
        aria-label={said}
        pos="relative"
        h="1rem"
        style={{
          // Forced colours would remove the backgrounds that draw the timeline.
          forcedColorAdjust: "none",
          background:
            "linear-gradient(var(--mantine-color-default-border), var(--mantine-color-default-border)) center / 100% 2px no-repeat",
        }}
      >
        {places.map((part) => (
          <Box
            key={part}
            pos="absolute"
            top="calc(50% - 5px)"
            w={10}
            h={10}
            bg="var(--mantine-primary-color-filled)"
            style={{ insetInlineStart: `calc(${part * 100}% - 5px)`, borderRadius: "50%" }}
          />
        ))}
      </Box>
    </Box>
  );
}
