/** Charts of sizes, durations and changes per day. The drawing loads on demand; the tables are there at once. */

import { SimpleGrid, Skeleton, Text } from "@mantine/core";
import { lazy, Suspense } from "react";

import type { Schemas } from "../../../api/client";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { number, t } from "../../../i18n";
import { ErrorBoundary } from "../../../components/ErrorBoundary";
import { bytes, duration } from "../../../components/format";
import { Section } from "../../../components/Section";
import { ChartData } from "./ChartData";
import type { Series } from "./Chart";
import { longDay } from "./dates";

const Chart = lazy(() => import("./Chart"));

type Day = Schemas["Day"];

const WIDE = 50;

export function TrendCharts({ days }: { days: Day[] }) {
  return (
    <SimpleGrid cols={{ base: 1, lg: 3 }}>
      <TrendChart
        title={t("overview.charts.sizes")}
        intro={t("overview.charts.sizesIntro")}
        days={days}
        format={bytes}
        logarithmic
        series={[
          { name: "overview.charts.logical", colour: "indigo.5", of: (day) => ofBackups(day, day.logical_bytes) },
          { name: "overview.charts.stored", colour: "teal.6", of: (day) => ofBackups(day, day.stored_bytes) },
        ]}
      />
      <TrendChart
        title={t("overview.charts.durations")}
        intro={t("overview.charts.durationsIntro")}
        days={days}
        format={duration}
        series={[{ name: "overview.charts.median", colour: "indigo.5", of: (day) => day.median_seconds }]}
      />
      <TrendChart
        title={t("overview.charts.changes")}
        intro={t("overview.charts.changesIntro")}
        days={days}
        format={number}
        series={[
          { name: "overview.charts.newFiles", colour: "indigo.5", of: (day) => ofBackups(day, day.new_files) },
          { name: "overview.charts.changedFiles", colour: "orange.6", of: (day) => ofBackups(day, day.changed_files) },
        ]}
      />
    </SimpleGrid>
  );
}

interface TrendProps {
  title: string;
  intro: string;
  days: Day[];
  format: (value: number) => string;
  series: Series[];
  /** For values that may have very different sizes. Otherwise the chart begins at zero. */
  logarithmic?: boolean;
}

function TrendChart({ title, intro, days, format, series, logarithmic = false }: TrendProps) {
  const [first, last] = [days[0], days.at(-1)];
  const empty = days.every((day) => series.every((one) => !one.of(day)));
  const levels = series.map((one) => ({ name: one.name, values: valuesOf(days, one) }));
  const isLogarithmic = logarithmic && isWide(levels.flatMap(({ values }) => values));
  const isFlat = levels.every(({ values }) => new Set(values).size <= 1);
  return (
    <Section title={title}>
      <Text size="sm" c="dimmed" mb="xs">
        {intro} {isLogarithmic && t("overview.charts.logarithmic")}
      </Text>
      {empty || !first || !last ? (
        <Text>{t("overview.charts.none")}</Text>
      ) : isFlat ? (
        // A line at one height would look like news.
        levels
          .filter(({ values }) => values.length > 0)
          .map(({ name, values }) => (
            <Text key={name}>
              {t("overview.charts.constant", { name: t(name), value: format(values[0] ?? 0), count: values.length })}
            </Text>
          ))
      ) : (
        <>
          <div
            role="img"
            aria-label={t("overview.charts.summary", {
              name: title,
              first: longDay(first.date),
              last: longDay(last.date),
            })}
          >
            <ErrorBoundary>
              <Suspense fallback={<Skeleton h={200} />}>
                <Chart days={days} series={series} format={format} logarithmic={isLogarithmic} />
              </Suspense>
            </ErrorBoundary>
          </div>
          <ChartData>
            <NumbersTable days={days} series={series} format={format} />
          </ChartData>
        </>
      )}
    </Section>
  );
}

/** Return a number of a day's backups; null for a day on which none has read anything. */
const ofBackups = (day: Day, value: number): number | null => (day.logical_bytes > 0 ? value : null);

const valuesOf = (days: Day[], series: Series): number[] =>
  days.map((day) => series.of(day)).filter((value) => value !== null);

/** Whether values differ so much that the small ones would lie on the zero line. */
function isWide(values: number[]): boolean {
  const positive = values.filter((value) => value > 0);
  return Math.max(...positive) / Math.min(...positive) > WIDE;
}

function NumbersTable({ days, series, format }: Pick<TrendProps, "days" | "series" | "format">) {
  const columns: Column<Day>[] = [
    { header: "overview.charts.day", cell: (day) => longDay(day.date) },
    ...series.map((one): Column<Day> => ({
      header: one.name,
      align: "right",
      cell: (day) => {
        const value = one.of(day);
        return value === null ? "–" : format(value);
      },
    })),
  ];
  return <DataTable columns={columns} rows={[...days].reverse()} rowKey={(day) => day.date} fontSize="sm" />;
}
