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
          { name: "overview.charts.logical", colour: "indigo.5", of: (day) => day.logical_bytes },
          { name: "overview.charts.stored", colour: "teal.6", of: (day) => day.stored_bytes },
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
          { name: "overview.charts.newFiles", colour: "indigo.5", of: (day) => day.new_files },
          { name: "overview.charts.changedFiles", colour: "orange.6", of: (day) => day.changed_files },
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
  /** For values of very different sizes. */
  logarithmic?: boolean;
}

function TrendChart({ title, intro, days, format, series, logarithmic = false }: TrendProps) {
  const [first, last] = [days[0], days.at(-1)];
  const empty = days.every((day) => series.every((one) => !one.of(day)));
  return (
    <Section title={title}>
      <Text size="sm" c="dimmed" mb="xs">
        {intro}
      </Text>
      {empty || !first || !last ? (
        <Text>{t("overview.charts.none")}</Text>
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
                <Chart days={days} series={series} format={format} logarithmic={logarithmic} />
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
