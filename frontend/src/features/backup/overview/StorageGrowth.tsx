/** The free space and its forecast. Nothing is shown where no forecast is possible. */

import { Progress, Text } from "@mantine/core";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { bytes } from "../../../components/format";
import { Section } from "../../../components/Section";
import { longDay } from "../charts/dates";

type Space = Schemas["Growth"];

const TIGHT_DAYS = 30;
const SOON_DAYS = 90;
/** Shares of free space that count as tight or scarce at any growth. The findings of the server use the same. */
const TIGHT = 0.03;
const SCARCE = 0.1;

export function StorageGrowth({ growth }: { growth: Space }) {
  const { total_bytes: total, free_bytes: free } = growth;
  const used = total > 0 ? ((total - free) / total) * 100 : null;
  return (
    <Section title={t("overview.growth.title")}>
      <Text>
        {t("overview.growth.free", { free: bytes(free), total: bytes(total) })}
        {used !== null && `, ${t("overview.growth.used", { percent: Math.round(used) })}`}
      </Text>
      {used !== null && (
        <Progress
          my="xs"
          value={used}
          color={colourOf(growth)}
          aria-label={t("overview.growth.used", { percent: Math.round(used) })}
        />
      )}
      <Text size="sm">{`${rate(growth)} ${forecast(growth)}`}</Text>
    </Section>
  );
}

function colourOf({ total_bytes: total, free_bytes: free, days_left: left }: Space): string {
  const days = left ?? Infinity;
  const part = free / total;
  return days < TIGHT_DAYS || part < TIGHT ? "red" : days < SOON_DAYS || part < SCARCE ? "yellow" : "green";
}

function rate({ bytes_a_day: daily }: Space): string {
  if (daily === null) {
    return t("overview.growth.noRate");
  }
  return daily > 0 ? t("overview.growth.rate", { rate: bytes(daily) }) : t("overview.growth.shrinks");
}

function forecast({ bytes_a_day: daily, days_left: left, full_on: day }: Space): string {
  if (day !== null && left !== null) {
    return t("overview.growth.full", { day: longDay(day), count: Math.round(left) });
  }
  if (left !== null) {
    return t("overview.growth.lasts");
  }
  return daily === null || daily > 0 ? t("overview.growth.noForecast") : "";
}
