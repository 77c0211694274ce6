/** A plan, with what forbids it first. */

import { Alert, Badge, List, Stack, Table, Text, Title } from "@mantine/core";

import { t } from "../../../i18n";
import { bytes, dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { type Choices, namedIn, type Plan, type Replacement, type Space } from "./plan";

function kindOf(kind: string): string {
  return kind === "database" || kind === "files" || kind === "data" ? t(`restore.plan.kinds.${kind}`) : kind;
}

export function PlanView({ plan, choices }: { plan: Plan; choices?: Choices }) {
  const ago = useRelativeTime();
  const elsewhere = plan.toFolder || plan.toDatabase;
  return (
    <Stack>
      {plan.takenAt && (
        <Text>
          {t("restore.plan.taken", { time: dateTime(plan.takenAt), ago: ago(plan.takenAt) })}
          {elsewhere && (
            <>
              {" "}
              →{" "}
              <Text span ff="monospace" size="sm" style={{ overflowWrap: "anywhere" }}>
                {elsewhere}
              </Text>
            </>
          )}
        </Text>
      )}
      <MessageList texts={plan.blocking} title="restore.plan.blocked" color="red" />
      {plan.blocking.length === 0 && <Alert color="green">{t("restore.plan.ready")}</Alert>}
      <MessageList texts={plan.warnings} title="restore.plan.warnings" color="yellow" />
      <TextList texts={plan.access} title="restore.plan.access" />
      {plan.replacements.length > 0 && <Replacements rows={plan.replacements} live={!elsewhere} />}
      {plan.space.length > 0 && <SpaceTable rows={plan.space} />}
      {plan.ledger && (
        <div>
          <Title order={4} size="h5">
            {t("restore.plan.ledger")}
          </Title>
          <Text size="sm">{plan.ledger}</Text>
        </div>
      )}
      {!elsewhere && <Text>{t(plan.safetyBackup ? "restore.plan.safety" : "restore.plan.noSafety")}</Text>}
      {choices && <TextList texts={namedIn(choices) ?? []} title="restore.plan.only" font="monospace" />}
      {choices && choices.leaveOut.length > 0 && (
        <Text>{t("restore.plan.leaveOut", { tables: choices.leaveOut.join(", ") })}</Text>
      )}
    </Stack>
  );
}

function TextList(props: { texts: string[]; title: "restore.plan.access" | "restore.plan.only"; font?: "monospace" }) {
  const { texts, title, font } = props;
  return texts.length === 0 ? null : (
    <div>
      <Title order={4} size="h5">
        {t(title)}
      </Title>
      <List size="sm">
        {texts.map((one) => (
          <List.Item key={one} {...(font && { ff: font })} style={{ overflowWrap: "anywhere" }}>
            {one}
          </List.Item>
        ))}
      </List>
    </div>
  );
}

function MessageList(props: {
  texts: string[];
  title: "restore.plan.blocked" | "restore.plan.warnings";
  color: string;
}) {
  const { texts, title, color } = props;
  return texts.length === 0 ? null : (
    <Alert color={color} title={t(title, { count: texts.length })}>
      <List size="sm" spacing={4}>
        {texts.map((text) => (
          <List.Item key={text} style={{ overflowWrap: "anywhere" }}>
            {text}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Replacements({ rows, live }: { rows: Replacement[]; live: boolean }) {
  return (
    <div>
      <Title order={4} size="h5">
        {t(live ? "restore.plan.replaces" : "restore.plan.makes")}
      </Title>
      <Table.ScrollContainer minWidth={300} type="native">
        <Table horizontalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("restore.plan.kind")}</Table.Th>
              <Table.Th>{t("restore.plan.place")}</Table.Th>
              <Table.Th>{t("restore.plan.exists")}</Table.Th>
              <Table.Th ta="right">{t("restore.plan.size")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={`${row.kind} ${row.name}`}>
                <Table.Td>
                  {kindOf(row.kind)}: {row.name}
                </Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>
                  <Text size="sm" ff="monospace">
                    {row.live}
                  </Text>
                  {row.notes.map((note) => (
                    <Text key={note} size="sm" c="dimmed">
                      {note}
                    </Text>
                  ))}
                </Table.Td>
                <Table.Td>{t(row.exists ? "restore.plan.existsYes" : "restore.plan.existsNo")}</Table.Td>
                <Table.Td ta="right">{row.size === null ? t("common.unknown") : bytes(row.size)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}

function SpaceTable({ rows }: { rows: Space[] }) {
  return (
    <div>
      <Title order={4} size="h5">
        {t("restore.plan.space")}
      </Title>
      <Table.ScrollContainer minWidth={300} type="native">
        <Table horizontalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("restore.plan.spaceWhere")}</Table.Th>
              <Table.Th ta="right">{t("restore.plan.needed")}</Table.Th>
              <Table.Th ta="right">{t("restore.plan.available")}</Table.Th>
              <Table.Th>{t("restore.plan.verdict")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row.where}>
                <Table.Td style={{ overflowWrap: "anywhere" }}>
                  <Text size="sm" ff="monospace">
                    {row.where}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">{bytes(row.needed)}</Table.Td>
                <Table.Td ta="right">{bytes(row.available)}</Table.Td>
                <Table.Td>
                  <Badge variant="light" autoContrast tt="none" color={row.available >= row.needed ? "green" : "red"}>
                    {t(row.available >= row.needed ? "restore.plan.enough" : "restore.plan.short")}
                  </Badge>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}
