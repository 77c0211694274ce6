/** The drawing itself, which is large to load and so comes last. */

import "@mantine/charts/styles.layer.css";

import { LineChart } from "@mantine/charts";

import type { Schemas } from "../../../api/client";
import { shortDay } from "./dates";

type Day = Schemas["Day"];

/** A line of it: whose number of a day it shows, under which name, in which colour. */
export interface Series {
  name: string;
  colour: string;
  of: (day: Day) => number | null;
}

interface Props {
  days: Day[];
  series: Series[];
  format: (value: number) => string;
  logarithmic: boolean;
}

/** There is no place for nothing on a logarithmic scale: the line has a gap there. */
function drawn(value: number | null, logarithmic: boolean): number | null {
  return logarithmic && value !== null && value <= 0 ? null : value;
}

export default function Chart({ days, series, format, logarithmic }: Props) {
  const data = days.map((day) => ({
    day: shortDay(day.date),
    ...Object.fromEntries(series.map((one) => [one.name, drawn(one.of(day), logarithmic)])),
  }));
  return (
    <LineChart
      h={200}
      data={data}
      dataKey="day"
      series={series.map(({ name, colour }) => ({ name, color: colour }))}
      valueFormatter={format}
      // A day between days without a backup, such as of a weekly one, has no line to be seen by.
      dotProps={{ r: 2 }}
      withLegend={series.length > 1}
      strokeWidth={2}
      curveType="monotone"
      connectNulls={false}
      yAxisProps={{ width: 88, ...(logarithmic ? { scale: "log", domain: ["auto", "auto"] } : {}) }}
      styles={{ legendItemColor: { forcedColorAdjust: "none" } }}
      lineChartProps={{ accessibilityLayer: false }}
    />
  );
}
