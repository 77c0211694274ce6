/** All restores with their state, newest first. */

import { Anchor, Button, Center, Group, Select, Stack, Table, Text, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";

import { useApi } from "../../../api/context";
import { restorePages } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../common/address";
import { ValueBadge } from "../common/badges";
import { moment } from "../common/format";
import { ProgressView } from "../common/progress";
import { Loaded } from "../common/states";

const STATES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;

export function targetText(target: string): string {
  return target === "live" ? t("restore.page.target.live") : target;
}

export function RestoresList() {
  const base = useConsolePath();
  const [params, setParams] = useSearchParams();
  const state = STATES.find((one) => one === params.get("state"));
  const query = useInfiniteQuery(restorePages(useApi(), { limit: 20, ...(state && { status: [state] }) }));
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
          return (
            <Table.ScrollContainer minWidth={760} type="native">
              <Table verticalSpacing="sm">
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
                        <Anchor
                          component={Link}
                          to={`${base}/restores/${row.uuid}`}
                          size="sm"
                          aria-label={t("restore.list.open", { name: row.backup_reference, time: moment(row.queued_at) })}
                        >
                          {moment(row.queued_at)}
                        </Anchor>
                      </Table.Td>
                      <Table.Td style={{ overflowWrap: "anywhere" }}>{row.backup_reference}</Table.Td>
                      <Table.Td>{label("restoreType", row.restore_type)}</Table.Td>
                      <Table.Td>{targetText(row.target)}</Table.Td>
                      <Table.Td>
                        <ValueBadge group="restoreStatus" value={row.status} />
                        {row.status === "RUNNING" && row.progress && <ProgressView progress={row.progress} />}
                      </Table.Td>
                      <Table.Td>{row.rollback_state === "NONE" ? "" : label("rollbackState", row.rollback_state)}</Table.Td>
                      <Table.Td>{row.requested_by ?? ""}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          );
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
