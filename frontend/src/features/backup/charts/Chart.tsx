/** The chart itself. It is large, so it loads last. */

import "@mantine/charts/styles.layer.css";

import { LineChart } from "@mantine/charts";

import type { Schemas } from "../../../api/client";
import { t, type TextKey } from "../../../i18n";
import { shortDay } from "./dates";

type Day = Schemas["Day"];

/** A line of the chart: the key of its name, colour and value per day. */
export interface Series {
  name: TextKey;
  colour: string;
  of: (day: Day) => number | null;
}

interface Props {
  days: Day[];
  series: Series[];
  format: (value: number) => string;
  logarithmic: boolean;
}

/** Return null instead of zero on a logarithmic scale, which has no zero. The line has a gap there. */
function drawn(value: number | null, logarithmic: boolean): number | null {
  return logarithmic && value !== null && value <= 0 ? null : value;
}

export default function Chart({ days, series, format, logarithmic }: Props) {
  const data = days.map((day) => ({
    day: shortDay(day.date),
    ...Object.fromEntries(series.map((one) => [t(one.name), drawn(one.of(day), logarithmic)])),
  }));
  return (
    <LineChart
      h={200}
      data={data}
      dataKey="day"
      series={series.map(({ name, colour }) => ({ name: t(name), color: colour }))}
      valueFormatter={format}
      // A single day between days without a backup has no line, so each day has a dot.
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
