/** The configurations as a table or as cards, with the same facts and actions. */

import { Anchor, Card, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";

import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { ValueBadge } from "../../../components/badges";
import { BreakableName } from "../../../components/BreakableName";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { ConfigurationActions, ScheduleSwitch } from "./ConfigurationActions";
import type { Configuration } from "./formValues";
import { LastGood, LastResult, NextRun } from "./ResultCells";

function Title({ row }: { row: Configuration }) {
  const base = useConsolePath();
  const { search } = useLocation();
  return (
    <Stack gap={2} style={{ overflowWrap: "anywhere" }}>
      <Anchor
        id={`edit-${row.uuid}`}
        component={Link}
        to={{ pathname: `${base}/configurations/${row.uuid}`, search }}
        fw={600}
      >
        <BreakableName text={row.name} />
      </Anchor>
      {row.description && (
        <Text size="sm" c="dimmed" lineClamp={2}>
          {row.description}
        </Text>
      )}
    </Stack>
  );
}

/** The status of a configuration that stops its schedule besides the switch. */
function StatusNote({ row }: { row: Configuration }) {
  return row.status && row.status !== "ACTIVE" ? <ValueBadge group="configurationStatus" value={row.status} /> : null;
}

const COLUMNS: Column<Configuration>[] = [
  {
    header: "configurations.name",
    sort: { field: "name", first: "ascending" },
    cell: (row) => <Title row={row} />,
  },
  {
    header: "configurations.schedule",
    width: "9.5rem",
    cell: (row) => (
      <>
        <Text size="sm">{label("backupType", row.backup_type ?? "")}</Text>
        <Text size="sm" c="dimmed">
          {row.schedule_in_words}
        </Text>
      </>
    ),
  },
  { header: "configurations.nextRun", width: "6rem", cell: (row) => <NextRun row={row} /> },
  { header: "configurations.lastResult", width: "11.5rem", cell: (row) => <LastResult row={row} /> },
  { header: "configurations.lastGood", width: "7rem", cell: (row) => <LastGood row={row} /> },
  {
    header: "configurations.enabled",
    width: "5.5rem",
    cell: (row) => (
      <Group gap="xs" wrap="nowrap">
        <ScheduleSwitch row={row} />
        <StatusNote row={row} />
      </Group>
    ),
  },
  {
    header: "configurations.actions",
    align: "right",
    width: "10rem",
    cell: (row) => <ConfigurationActions row={row} />,
  },
];

interface ConfigurationTableProps {
  rows: Configuration[];
  ordering: string;
  onSort: (ordering: string) => void;
}

export function ConfigurationTable({ rows, ordering, onSort }: ConfigurationTableProps) {
  return (
    <DataTable
      label={t("configurations.title")}
      columns={COLUMNS}
      rows={rows}
      rowKey={(row) => row.uuid}
      sorting={{ order: ordering, onOrder: onSort }}
      layout="fixed"
      minWidth={960}
      verticalSpacing="sm"
    />
  );
}

export function ConfigurationGrid({ rows }: { rows: Configuration[] }) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
      {rows.map((row) => (
        <ConfigurationCard key={row.uuid} row={row} />
      ))}
    </SimpleGrid>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Group gap="xs" justify="space-between" wrap="nowrap" align="flex-start">
      <Text component="dt" size="sm" c="dimmed">
        {name}
      </Text>
      <Text component="dd" m={0} size="sm" ta="right">
        {children}
      </Text>
    </Group>
  );
}

function ConfigurationCard({ row }: { row: Configuration }) {
  return (
    <Card withBorder>
      <Stack justify="space-between" h="100%" gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Title row={row} />
          <Group gap="xs" wrap="nowrap">
            <StatusNote row={row} />
            <ScheduleSwitch row={row} />
          </Group>
        </Group>
        <Stack component="dl" gap={4} m={0}>
          <Fact name={t("configurations.type")}>{label("backupType", row.backup_type ?? "")}</Fact>
          <Fact name={t("configurations.schedule")}>{row.schedule_in_words}</Fact>
          <Fact name={t("configurations.nextRun")}>
            <NextRun row={row} />
          </Fact>
          <Fact name={t("configurations.lastGood")}>
            <LastGood row={row} />
          </Fact>
        </Stack>
        <LastResult row={row} />
        <ConfigurationActions row={row} />
      </Stack>
    </Card>
  );
}
