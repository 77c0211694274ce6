/** The results of the last weeks: one square per day, one row per configuration. */

import { Anchor, Box, Group, Text } from "@mantine/core";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { label, t } from "../../../i18n";
import { useRelativeTime } from "../../../components/relativeTime";
import { Section } from "../../../components/Section";
import { longDay, shortDay } from "./dates";
import { ChartData } from "./ChartData";

type Results = Record<string, number>;
type Mark = "good" | "partly" | "bad" | "nothing";

/** Scrolls to the newest days where not all have room, also after a phone is turned. */
function newest(box: HTMLElement | null) {
  if (box === null) {
    return undefined;
  }
  const observer = new ResizeObserver(() => box.scrollTo({ left: box.scrollWidth }));
  observer.observe(box);
  return () => observer.disconnect();
}

const MOST_ROWS = 10;
const COLOURS: Record<Mark, string> = {
  good: "var(--mantine-color-green-6)",
  partly: "var(--mantine-color-yellow-5)",
  bad: "var(--mantine-color-red-7)",
  nothing: "var(--mantine-color-default-border)",
};

/** Forced colours must not replace these. */
const DRAWN = { borderRadius: 2, forcedColorAdjust: "none" } as const;

export function ResultCalendar({ statistics }: { statistics: Schemas["Statistics"] }) {
  const ago = useRelativeTime();
  const { days, calendar } = statistics;
  const dates = days.map((one) => one.date);
  const rows = calendar.slice(0, MOST_ROWS);
  const leftOut = calendar.length - rows.length + statistics.calendar_left_out;
  return (
    <Section title={t("overview.calendar.title", { days: days.length })}>
      <Text size="sm" c="dimmed" mb="xs">
        {t("overview.calendar.intro")}
      </Text>
      <Box
        ref={newest}
        tabIndex={0}
        role="group"
        aria-label={t("overview.calendar.title", { days: days.length })}
        style={{ overflowX: "auto" }}
      >
        <Box miw={720}>
          <Scale dates={dates} />
          <CalendarRow
            name={t("overview.calendar.all")}
            dates={dates}
            results={new Map(days.map((one) => [one.date, one.results]))}
          />
          {rows.map((row) => (
            <CalendarRow
              key={row.configuration}
              name={row.name}
              dates={dates}
              results={new Map(row.days.map((one) => [one.date, one.results]))}
            />
          ))}
        </Box>
      </Box>
      <Group gap="md" mt="xs">
        {(["good", "partly", "bad", "nothing"] as const).map((mark) => (
          <Group key={mark} gap={6}>
            <Box
              w={14}
              h={14}
              bg={COLOURS[mark]}
              c={mark === "bad" ? "white" : "black"}
              ta="center"
              fz={12}
              lh="14px"
              style={DRAWN}
              aria-hidden
            >
              {SIGNS[mark]}
            </Box>
            <Text size="xs">{t(`overview.calendar.${mark}`)}</Text>
          </Group>
        ))}
      </Group>
      {leftOut > 0 && (
        <Text size="sm" c="dimmed" mt="xs">
          {t("overview.calendar.more", { count: leftOut })}
        </Text>
      )}
      <ChartData>
        <DataTable columns={DAY_COLUMNS} rows={[...days].reverse()} rowKey={({ date }) => date} fontSize="sm" />
      </ChartData>
      {/* The storage and the charts below have the same timestamp. */}
      <Text size="xs" c="dimmed" mt="xs">
        {t("overview.calendar.examined", { time: ago(statistics.examined_at) })}
      </Text>
    </Section>
  );
}

function markOf(results: Results | undefined): Mark {
  const has = (...statuses: string[]) => statuses.some((status) => (results?.[status] ?? 0) > 0);
  if (has("FAILED", "TIMEOUT")) {
    return "bad";
  }
  return has("INCOMPLETE", "MISSED", "CANCELLED") ? "partly" : has("COMPLETED") ? "good" : "nothing";
}

function resultsInWords(results: Results | undefined): string {
  const parts = Object.entries(results ?? {}).map(([status, count]) => `${label("jobStatus", status)} ${count}`);
  return parts.join(", ") || t("overview.calendar.noResults");
}

/** Signs for readers who cannot tell the colours apart. */
const SIGNS: Record<Mark, string> = { good: "", partly: "–", bad: "×", nothing: "" };

const GRID = (count: number) => ({
  display: "grid",
  gridTemplateColumns: `10rem repeat(${count}, minmax(0, 1fr))`,
  gap: 2,
  alignItems: "center",
});

function Scale({ dates }: { dates: string[] }) {
  return (
    <Box style={GRID(dates.length)} fz="xs" c="dimmed" aria-hidden h="1.2rem">
      <span />
      {dates.map((date, index) => (
        <span key={date} style={{ whiteSpace: "nowrap", overflow: "visible" }}>
          {index % 10 === 0 ? shortDay(date) : ""}
        </span>
      ))}
    </Box>
  );
}

function CalendarRow({ name, dates, results }: { name: string; dates: string[]; results: Map<string, Results> }) {
  const marks = dates.map((date) => markOf(results.get(date)));
  const count = (mark: Mark) => marks.filter((one) => one === mark).length;
  const said = t("overview.calendar.summary", {
    name,
    good: count("good"),
    partly: count("partly"),
    bad: count("bad"),
    nothing: count("nothing"),
  });
  return (
    <Box role="img" aria-label={said} style={GRID(dates.length)} mb={3}>
      <Text size="xs" truncate title={name} pos="sticky" left={0} bg="var(--mantine-color-body)" style={{ zIndex: 1 }}>
        {name}
      </Text>
      {dates.map((date, index) => (
        <Box
          key={date}
          h={16}
          bg={COLOURS[marks[index] ?? "nothing"]}
          style={{ ...DRAWN, overflow: "hidden" }}
          title={`${longDay(date)}: ${resultsInWords(results.get(date))}`}
          c={marks[index] === "bad" ? "white" : "black"}
          ta="center"
          fz={12}
          lh="16px"
        >
          {SIGNS[marks[index] ?? "nothing"]}
        </Box>
      ))}
    </Box>
  );
}

const DAY_COLUMNS: Column<Schemas["Day"]>[] = [
  {
    header: "overview.calendar.day",
    cell: ({ date, begins_at: after, ends_at: before }) => (
      <Anchor component={Link} to={`../history?${new URLSearchParams({ after, before })}`} inherit>
        {longDay(date)}
      </Anchor>
    ),
  },
  { header: "overview.calendar.results", cell: ({ results }) => resultsInWords(results) },
];
