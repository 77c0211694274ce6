/** The results of the last weeks: one square per day, one row per configuration. */

import { Anchor, Box, Group, Text } from "@mantine/core";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { useRelativeTime } from "../../../components/relativeTime";
import { Section } from "../../../components/Section";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { CalendarGrid } from "./CalendarGrid";
import { DRAWN, historyOf, MARKS, resultsInWords } from "./calendarMarks";
import { ChartData } from "./ChartData";
import { longDay } from "./dates";

const MOST_ROWS = 10;

interface ResultCalendarProps {
  statistics: Schemas["Statistics"];
  /** The configuration that the statistics are about; without one, all are shown, with a row for each. */
  configuration?: { uuid: string; name: string };
}

export function ResultCalendar({ statistics, configuration }: ResultCalendarProps) {
  const ago = useRelativeTime();
  const { days } = statistics;
  const calendar = configuration ? [] : statistics.calendar;
  const rows = calendar.slice(0, MOST_ROWS);
  const leftOut = configuration ? 0 : calendar.length - rows.length + statistics.calendar_left_out;
  const title = t("overview.calendar.title", { days: days.length });
  return (
    <Section title={title}>
      <Text size="sm" c="dimmed" mb="xs">
        {t("overview.calendar.intro")}
      </Text>
      <CalendarGrid
        label={title}
        days={days}
        rows={[
          {
            name: configuration?.name ?? t("overview.calendar.all"),
            ...(configuration && { configuration: configuration.uuid }),
            results: new Map(days.map((one) => [one.date, one.results])),
          },
          ...rows.map((row) => ({
            name: row.name,
            configuration: row.configuration,
            results: new Map(row.days.map((one) => [one.date, one.results])),
          })),
        ]}
      />
      <Legend />
      {leftOut > 0 && (
        <Text size="sm" c="dimmed" mt="xs">
          {t("overview.calendar.more", { count: leftOut })}
        </Text>
      )}
      <ChartData>
        <DataTable columns={DAY_COLUMNS} rows={[...days].reverse()} rowKey={({ date }) => date} fontSize="sm" />
      </ChartData>
      {!configuration && (
        // The storage and the charts below have the same timestamp.
        <Text size="xs" c="dimmed" mt="xs">
          {t("overview.calendar.examined", { time: ago(statistics.examined_at) })}
        </Text>
      )}
    </Section>
  );
}

function Legend() {
  return (
    <Group gap="md" mt="xs">
      {(["good", "partly", "bad", "nothing"] as const).map((mark) => (
        <Group key={mark} gap={6}>
          <Box
            w={14}
            h={14}
            bg={MARKS[mark].background}
            c={MARKS[mark].colour}
            ta="center"
            fz={12}
            lh="14px"
            style={DRAWN}
            aria-hidden
          >
            {MARKS[mark].sign}
          </Box>
          <Text size="xs">{t(`overview.calendar.${mark}`)}</Text>
        </Group>
      ))}
    </Group>
  );
}

const DAY_COLUMNS: Column<Schemas["Day"]>[] = [
  {
    header: "overview.calendar.day",
    cell: (day) => <DayLink day={day} />,
  },
  { header: "overview.calendar.results", cell: ({ results }) => resultsInWords(results) },
];

function DayLink({ day }: { day: Schemas["Day"] }) {
  const base = useConsolePath();
  return (
    <Anchor component={Link} to={`${base}${historyOf(day)}`} inherit>
      {longDay(day.date)}
    </Anchor>
  );
}
