/** The restore history, newest first. */

import { Anchor, Group, Paper, Select, Stack, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { restorePages } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { ValueBadge } from "../../../components/badges";
import { dateTime } from "../../../components/format";
import { ProgressView } from "../../../components/ProgressView";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { PagedList } from "../../../components/table/PagedList";
import { useUrlFilters } from "../../../components/urlFilters";

type Restore = Schemas["Restore"];

const STATES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;

/** Return the user who requested a restore. Commands have no user, and no operation either. */
export function requesterText(restore: Pick<Restore, "requested_by" | "operation">): string {
  const isCommand = restore.operation === null;
  return restore.requested_by ?? t(isCommand ? "restore.page.byCommand" : "common.unknown");
}

export function targetText(target: string): string {
  return target === "live" ? t("restore.page.target.live") : target;
}

const COLUMNS: Column<Restore>[] = [
  { header: "restore.list.when", cell: (row) => <When row={row} /> },
  { header: "restore.list.from", wrap: "anywhere", cell: (row) => row.backup_reference },
  { header: "restore.list.what", cell: (row) => label("restoreType", row.restore_type) },
  { header: "restore.list.target", cell: (row) => targetText(row.target) },
  { header: "restore.list.state", cell: (row) => <State row={row} /> },
  { header: "restore.list.rollback", cell: rollbackText },
  { header: "restore.list.who", cell: requesterText },
];

export function RestoreList() {
  const { params, setFilter } = useUrlFilters();
  const state = STATES.find((one) => one === params.get("state"));
  const query = useInfiniteQuery(restorePages(useApi(), { limit: 20, ...(state && { status: [state] }) }));
  const isNarrow = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  return (
    <Stack component="section" aria-labelledby="restores-title" mt="xl" gap="xs">
      <Group justify="space-between" align="flex-end">
        <Title order={3} size="h4" id="restores-title">
          {t("restore.list.title")}
        </Title>
        <Select
          label={t("restore.list.filter")}
          data={STATES.map((value) => ({ value, label: label("restoreStatus", value) }))}
          value={state ?? null}
          onChange={(value) => setFilter("state", value)}
          placeholder={t("restore.list.all")}
          clearable
          clearButtonProps={{ "aria-label": t("restore.list.all") }}
          w="11rem"
        />
      </Group>
      <PagedList query={query} empty={<Text>{t(state ? "restore.list.noneFits" : "restore.list.empty")}</Text>}>
        {(rows) =>
          isNarrow ? (
            <Cards rows={rows} />
          ) : (
            <DataTable
              label={t("restore.list.title")}
              columns={COLUMNS}
              rows={rows}
              rowKey={(row) => row.uuid}
              minWidth={700}
              verticalSpacing="sm"
            />
          )
        }
      </PagedList>
    </Stack>
  );
}

/** The same rows as cards. */
function Cards({ rows }: { rows: Restore[] }) {
  return (
    <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }} aria-labelledby="restores-title">
      {rows.map((row) => (
        <Paper key={row.uuid} component="li" withBorder p="sm">
          <Group justify="space-between" align="start" gap="xs" mb={4}>
            <When row={row} />
            <div>
              <State row={row} />
            </div>
          </Group>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {row.backup_reference}
          </Text>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {[label("restoreType", row.restore_type), targetText(row.target), rollbackText(row), row.requested_by]
              .filter(Boolean)
              .join(" · ")}
          </Text>
        </Paper>
      ))}
    </Stack>
  );
}

function When({ row }: { row: Restore }) {
  return (
    <Anchor
      component={Link}
      to={`${useConsolePath()}/restores/${row.uuid}`}
      size="sm"
      aria-label={t("restore.list.open", { name: row.backup_reference, time: dateTime(row.queued_at) })}
    >
      {dateTime(row.queued_at)}
    </Anchor>
  );
}

function State({ row }: { row: Restore }) {
  return (
    <>
      <ValueBadge group="restoreStatus" value={row.status} />
      {row.status === "RUNNING" && row.progress && <ProgressView progress={row.progress} />}
    </>
  );
}

function rollbackText(row: Restore): string {
  return row.rollback_state === "NONE" ? "" : label("rollbackState", row.rollback_state);
}
