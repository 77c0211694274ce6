/** The differences between a backup and the live system, in a plan. */

import { List, Stack, Text, Title } from "@mantine/core";

import { type Column, DataTable } from "../../../components/table/DataTable";
import { number, t } from "../../../i18n";
import type { Differences, RootDifference, TableDifference } from "./plan";

export function DifferencesView({ differences }: { differences: Differences }) {
  const { tables, files, unknown } = differences;
  const changed = files.filter((one) => one.comesBack + one.changes + one.goesAway > 0);
  const title = t("restore.differences.title");
  return (
    <Stack gap="xs">
      <Title order={4} size="h5">
        {title}
      </Title>
      {tables.length + changed.length + unknown.length === 0 && <Text size="sm">{t("restore.differences.none")}</Text>}
      {changed.length > 0 && (
        <DataTable
          label={t("restore.differences.files")}
          columns={FILE_COLUMNS}
          rows={changed}
          rowKey={(row) => row.root}
          minWidth={300}
          horizontalSpacing={6}
        />
      )}
      {tables.length > 0 && (
        <DataTable
          label={t("restore.differences.tables")}
          columns={TABLE_COLUMNS}
          rows={tables}
          rowKey={(row) => `${row.database} ${row.table}`}
          minWidth={300}
          horizontalSpacing={6}
        />
      )}
      {unknown.length > 0 && (
        <div>
          <Text size="sm">{t("restore.differences.unknown")}</Text>
          <List size="sm">
            {unknown.map((one) => (
              <List.Item key={one} style={{ overflowWrap: "anywhere" }}>
                {one}
              </List.Item>
            ))}
          </List>
        </div>
      )}
    </Stack>
  );
}

const rows = (count: number | null) => (count === null ? t("restore.differences.noTable") : number(count));

function gap({ backup, live }: TableDifference): string {
  const difference = (backup ?? 0) - (live ?? 0);
  return difference > 0 ? `+${number(difference)}` : `−${number(-difference)}`;
}

const FILE_COLUMNS: Column<RootDifference>[] = [
  { header: "restore.differences.root", cell: (row) => row.root },
  { header: "restore.differences.comeBack", align: "right", cell: (row) => number(row.comesBack) },
  { header: "restore.differences.change", align: "right", cell: (row) => number(row.changes) },
  { header: "restore.differences.goAway", align: "right", cell: (row) => number(row.goesAway) },
  { header: "restore.differences.same", align: "right", cell: (row) => number(row.same) },
];

const TABLE_COLUMNS: Column<TableDifference>[] = [
  { header: "restore.differences.table", wrap: "anywhere", cell: (row) => row.table },
  { header: "restore.differences.backup", align: "right", cell: (row) => rows(row.backup) },
  { header: "restore.differences.live", align: "right", cell: (row) => rows(row.live) },
  { header: "restore.differences.gap", align: "right", cell: gap },
];
