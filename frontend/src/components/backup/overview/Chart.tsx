/** The drawing itself, which is large to load and so comes last. */

import "@mantine/charts/styles.layer.css";

import { LineChart } from "@mantine/charts";

import type { Schemas } from "../../../api/client";
import { shortDay } from "./days";
import type { Series } from "./Trends";

interface Props {
  days: Schemas["Day"][];
  series: Series[];
  format: (value: number) => string;
}

export default function Chart({ days, series, format }: Props) {
  const data = days.map((day) => ({
    day: shortDay(day.date),
    ...Object.fromEntries(series.map((one) => [one.name, one.of(day)])),
  }));
  return (
    <LineChart
      h={200}
      data={data}
      dataKey="day"
      series={series.map(({ name, colour }) => ({ name, color: colour }))}
      valueFormatter={format}
      withDots={false}
      withLegend={series.length > 1}
      strokeWidth={2}
      curveType="monotone"
      connectNulls={false}
      yAxisProps={{ width: 72 }}
      lineChartProps={{ accessibilityLayer: false }}
    />
  );
}
