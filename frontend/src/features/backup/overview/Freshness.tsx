/** How old the last good backup of each schedule is, against what the schedule promises. */

import { Anchor, Badge, Box, Button, Progress, Table, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { dateTime } from "../../../components/format";
import { Name } from "../../../components/BreakableName";
import { useRelativeTime } from "../../../components/relativeTime";
import { Section } from "../../../components/Section";
import { EmptyState } from "../../../components/states";

type Row = Schemas["Freshness"];

/** Who is late comes first. */
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
          <Table.ScrollContainer minWidth={280} tabIndex={0} role="group" aria-label={t("overview.freshness.title")}>
            <Table aria-label={t("overview.freshness.title")}>
              <Table.Thead>
                <Table.Tr>
                  {(["name", "state", "last", "until"] as const).map((name) => (
                    <Table.Th key={name} scope="col" {...(name === "state" ? { visibleFrom: "sm" } : {})}>
                      {t(`overview.freshness.${name}`)}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {(all ? rows : rows.slice(0, FIRST)).map((row) => (
                  <FreshnessRow key={row.configuration} row={row} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
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

function FreshnessRow({ row }: { row: Row }) {
  const ago = useRelativeTime();
  const late = row.late_since !== null;
  const state = late ? "late" : row.last_good_at ? "fresh" : "waiting";
  const colour = { late: "red", fresh: "green", waiting: "gray" }[state];
  const badge = (
    <>
      <Badge variant="light" color={colour} radius="sm" tt="none" miw="max-content">
        {t(`overview.freshness.${state}`)}
      </Badge>
      {row.late_since && (
        <Text size="xs" mt={2}>
          {t("overview.freshness.lateSince", { time: ago(row.late_since) })}
        </Text>
      )}
    </>
  );
  return (
    <Table.Tr>
      <Table.Td miw={{ base: "8.5rem", sm: "10.75rem" }}>
        <Anchor
          component={Link}
          to={`../configurations/${row.configuration}`}
          inherit
          style={{ overflowWrap: "anywhere" }}
        >
          <Name text={row.name} />
        </Anchor>
        <Box hiddenFrom="sm">{badge}</Box>
      </Table.Td>
      <Table.Td visibleFrom="sm" style={{ whiteSpace: "nowrap" }}>
        {badge}
      </Table.Td>
      <Table.Td title={row.last_good_at ? dateTime(row.last_good_at) : ""}>
        {row.last_good_at ? (
          <Anchor component={Link} to={`../history?configuration=${row.configuration}&status=COMPLETED`} inherit>
            {ago(row.last_good_at)}
          </Anchor>
        ) : (
          t("common.never")
        )}
      </Table.Td>
      <Table.Td miw={{ sm: "8.5rem" }}>
        {row.fresh_until && (
          <>
            <Text size="sm">{ago(row.fresh_until)}</Text>
            <Text size="xs" c="dimmed">
              {dateTime(row.fresh_until)}
            </Text>
          </>
        )}
        <AgeBar row={row} colour={colour} />
      </Table.Td>
    </Table.Tr>
  );
}

/** How much of the time that the backup may get old has gone by. The words beside it say the same. */
function AgeBar({ row, colour }: { row: Row; colour: string }) {
  if (!row.last_good_at || !row.fresh_until) {
    return null;
  }
  const [begun, end] = [Date.parse(row.last_good_at), Date.parse(row.fresh_until)];
  const part = (Date.now() - begun) / (end - begun);
  return <Progress mt={4} size="xs" color={colour} value={Math.min(100, Math.max(0, part * 100))} aria-hidden />;
}
