/** The age of the last good backup of each schedule, and when the next one is due. */

import { Anchor, Badge, Box, Button, Progress, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { t } from "../../../i18n";
import { dateTime } from "../../../components/format";
import { BreakableName } from "../../../components/BreakableName";
import { useRelativeTime } from "../../../components/relativeTime";
import { Section } from "../../../components/Section";
import { EmptyState } from "../../../components/states";

type Row = Schemas["Freshness"];

/** Overdue schedules come first. */
const FIRST = 8;

export function Freshness({ rows, leftOut }: { rows: Row[]; leftOut: number }) {
  const [all, setAll] = useState(false);
  return (
    <Section title={t("overview.freshness.title")}>
      {rows.length === 0 ? (
        <EmptyState title={t("overview.freshness.none")}>
          <Text c="dimmed">{t("overview.freshness.noneText")}</Text>
          <Button component={Link} to="../configurations" variant="default">
            {t("overview.freshness.toConfigurations")}
          </Button>
        </EmptyState>
      ) : (
        <>
          <Text size="sm" c="dimmed" mb="xs">
            {t("overview.freshness.intro")}
          </Text>
          <DataTable
            label={t("overview.freshness.title")}
            columns={COLUMNS}
            rows={all ? rows : rows.slice(0, FIRST)}
            rowKey={(row) => row.configuration}
            minWidth={280}
          />
          {!all && rows.length > FIRST && (
            <Button variant="default" size="xs" mt="xs" onClick={() => setAll(true)}>
              {t("overview.freshness.showMore", { count: rows.length - FIRST })}
            </Button>
          )}
          {(all || rows.length <= FIRST) && leftOut > 0 && (
            <Text size="sm" c="dimmed">
              {t("overview.freshness.more", { count: leftOut })}
            </Text>
          )}
        </>
      )}
    </Section>
  );
}

const COLUMNS: Column<Row>[] = [
  {
    header: "overview.freshness.name",
    minWidth: { base: "8.5rem", sm: "10.75rem" },
    cell: (row) => (
      <>
        <Anchor
          component={Link}
          to={`../configurations/${row.configuration}`}
          inherit
          style={{ overflowWrap: "anywhere" }}
        >
          <BreakableName text={row.name} />
        </Anchor>
        <Box hiddenFrom="sm">
          <State row={row} />
        </Box>
      </>
    ),
  },
  { header: "overview.freshness.state", visibleFrom: "sm", wrap: "never", cell: (row) => <State row={row} /> },
  { header: "overview.freshness.last", cell: (row) => <LastGood row={row} /> },
  { header: "overview.freshness.until", minWidth: { sm: "8.5rem" }, cell: (row) => <DueBy row={row} /> },
];

const COLOURS = { late: "red", fresh: "green", waiting: "gray" } as const;

function stateOf(row: Row): keyof typeof COLOURS {
  return row.late_since !== null ? "late" : row.last_good_at ? "fresh" : "waiting";
}

function State({ row }: { row: Row }) {
  const ago = useRelativeTime();
  const state = stateOf(row);
  return (
    <>
      <Badge variant="light" color={COLOURS[state]} radius="sm" tt="none" miw="max-content">
        {t(`overview.freshness.${state}`)}
      </Badge>
      {row.late_since && (
        <Text size="xs" mt={2}>
          {t("overview.freshness.lateSince", { time: ago(row.late_since) })}
        </Text>
      )}
    </>
  );
}

function LastGood({ row }: { row: Row }) {
  const ago = useRelativeTime();
  return row.last_good_at ? (
    <Anchor
      component={Link}
      to={`../history?configuration=${row.configuration}&status=COMPLETED`}
      inherit
      title={dateTime(row.last_good_at)}
    >
      {ago(row.last_good_at)}
    </Anchor>
  ) : (
    t("common.never")
  );
}

function DueBy({ row }: { row: Row }) {
  const ago = useRelativeTime();
  return (
    <>
      {row.fresh_until && (
        <>
          <Text size="sm">{ago(row.fresh_until)}</Text>
          <Text size="xs" c="dimmed">
            {dateTime(row.fresh_until)}
          </Text>
        </>
      )}
      <AgeBar row={row} colour={COLOURS[stateOf(row)]} />
    </>
  );
}

/** The elapsed part of the time until the next backup is due. The text beside it says the same. */
function AgeBar({ row, colour }: { row: Row; colour: string }) {
  if (!row.last_good_at || !row.fresh_until) {
    return null;
  }
  const [start, end] = [Date.parse(row.last_good_at), Date.parse(row.fresh_until)];
  const part = (Date.now() - start) / (end - start);
  return <Progress mt={4} size="xs" color={colour} value={Math.min(100, Math.max(0, part * 100))} aria-hidden />;
}
