/** All restores with their state, newest first. */

import { Anchor, Button, Center, Group, Paper, Select, Stack, Table, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { restorePages } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { ValueBadge } from "../../../components/badges";
import { dateTime } from "../../../components/format";
import { ProgressView } from "../../../components/ProgressView";
import { Loaded } from "../../../components/states";

type Restore = Schemas["Restore"];

const STATES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;

export function targetText(target: string): string {
  return target === "live" ? t("restore.page.target.live") : target;
}

export function RestoreList() {
  const [params, setParams] = useSearchParams();
  const state = STATES.find((one) => one === params.get("state"));
  const query = useInfiniteQuery(restorePages(useApi(), { limit: 20, ...(state && { status: [state] }) }));
  const narrow = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const choose = (value: string | null) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        after.delete("state");
        if (value) {
          after.set("state", value);
        }
        return after;
      },
      { replace: true },
    );
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
          onChange={choose}
          placeholder={t("restore.list.all")}
          clearable
          clearButtonProps={{ "aria-label": t("restore.list.all") }}
          w="11rem"
        />
      </Group>
      <Loaded query={query}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.results);
          if (rows.length === 0) {
            return <Text>{t(state ? "restore.list.noneFits" : "restore.list.empty")}</Text>;
          }
          return narrow ? <Cards rows={rows} /> : <Rows rows={rows} />;
        }}
      </Loaded>
      {query.hasNextPage && (
        <Center>
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("common.more")}
          </Button>
        </Center>
      )}
    </Stack>
  );
}

function Rows({ rows }: { rows: Restore[] }) {
  return (
    <Table.ScrollContainer minWidth={700} type="native">
      <Table verticalSpacing="sm" aria-labelledby="restores-title">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("restore.list.when")}</Table.Th>
            <Table.Th>{t("restore.list.from")}</Table.Th>
            <Table.Th>{t("restore.list.what")}</Table.Th>
            <Table.Th>{t("restore.list.target")}</Table.Th>
            <Table.Th>{t("restore.list.state")}</Table.Th>
            <Table.Th>{t("restore.list.rollback")}</Table.Th>
            <Table.Th>{t("restore.list.who")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.uuid}>
              <Table.Td>
                <When row={row} />
              </Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{row.backup_reference}</Table.Td>
              <Table.Td>{label("restoreType", row.restore_type)}</Table.Td>
              <Table.Td>{targetText(row.target)}</Table.Td>
              <Table.Td>
                <State row={row} />
              </Table.Td>
              <Table.Td>{rollbackText(row)}</Table.Td>
              <Table.Td>{row.requested_by ?? ""}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** The same where a table has no room. */
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
