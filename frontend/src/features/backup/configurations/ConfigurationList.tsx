/** The configurations, as rows of a table or as cards; the same facts and actions in both. */

import { Anchor, Card, Group, SimpleGrid, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";

import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { ValueBadge } from "../../../components/badges";
import { Name } from "../../../components/BreakableName";
import { ConfigurationActions, ScheduleSwitch } from "./ConfigurationActions";
import type { Configuration } from "./draft";
import { LastGood, LastResult, NextRun } from "./ResultCells";
import { useConfigurationResults } from "./useConfigurationResults";

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
        <Name text={row.name} />
      </Anchor>
      {row.description && (
        <Text size="sm" c="dimmed" lineClamp={2}>
          {row.description}
        </Text>
      )}
    </Stack>
  );
}

/** What holds its schedule up besides the switch. */
function StatusNote({ row }: { row: Configuration }) {
  return row.status && row.status !== "ACTIVE" ? <ValueBadge group="configurationStatus" value={row.status} /> : null;
}

interface SortProps {
  ordering: string;
  onSort: (ordering: string) => void;
}

export function ConfigurationTable({ rows, ordering, onSort }: SortProps & { rows: Configuration[] }) {
  const down = ordering === "-name";
  const sorted = ordering === "name" ? "ascending" : down ? "descending" : "none";
  return (
    <Table.ScrollContainer minWidth={900} type="native">
      <Table verticalSpacing="sm" aria-label={t("configurations.title")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th aria-sort={sorted}>
              <UnstyledButton fw={700} fz="sm" onClick={() => onSort(ordering === "name" ? "-name" : "name")}>
                {t("configurations.name")} <span aria-hidden>{sorted === "none" ? "↕" : down ? "↓" : "↑"}</span>
              </UnstyledButton>
            </Table.Th>
            <Table.Th>{t("configurations.schedule")}</Table.Th>
            <Table.Th>{t("configurations.nextRun")}</Table.Th>
            <Table.Th>{t("configurations.lastResult")}</Table.Th>
            <Table.Th>{t("configurations.lastGood")}</Table.Th>
            <Table.Th>{t("configurations.enabled")}</Table.Th>
            <Table.Th ta="right">{t("configurations.actions")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Row key={row.uuid} row={row} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Row({ row }: { row: Configuration }) {
  const results = useConfigurationResults(row);
  return (
    <Table.Tr>
      <Table.Td miw="14.5rem" maw="20rem">
        <Title row={row} />
      </Table.Td>
      <Table.Td>
        <Text size="sm">{label("backupType", row.backup_type ?? "")}</Text>
        <Text size="sm" c="dimmed">
          {row.schedule_in_words}
        </Text>
      </Table.Td>
      <Table.Td>
        <NextRun row={row} />
      </Table.Td>
      <Table.Td>
        <LastResult results={results} />
      </Table.Td>
      <Table.Td>
        <LastGood results={results} />
      </Table.Td>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          <ScheduleSwitch row={row} />
          <StatusNote row={row} />
        </Group>
      </Table.Td>
      <Table.Td>
        <ConfigurationActions row={row} results={results} />
      </Table.Td>
    </Table.Tr>
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
  const results = useConfigurationResults(row);
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
            <LastGood results={results} />
          </Fact>
        </Stack>
        <LastResult results={results} />
        <ConfigurationActions row={row} results={results} />
      </Stack>
    </Card>
  );
}
