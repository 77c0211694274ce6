/** A plan, with its obstacles first. */

import { Alert, Badge, List, Stack, Text, Title } from "@mantine/core";

import { type Column, DataTable } from "../../../components/table/DataTable";
import { t } from "../../../i18n";
import { bytes, dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { type Choices, namedIn } from "./choices";
import { DifferencesView } from "./DifferencesView";
import type { Plan, Replacement, Space } from "./plan";

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
      {plan.replacements.length > 0 && (
        <PlanTable
          title={t(elsewhere ? "restore.plan.makes" : "restore.plan.replaces")}
          columns={REPLACEMENT_COLUMNS}
          rows={plan.replacements}
          rowKey={(row) => `${row.kind} ${row.name}`}
        />
      )}
      {plan.differences && <DifferencesView differences={plan.differences} />}
      {plan.space.length > 0 && (
        <PlanTable
          title={t("restore.plan.space")}
          columns={SPACE_COLUMNS}
          rows={plan.space}
          rowKey={(row) => row.where}
        />
      )}
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

const REPLACEMENT_COLUMNS: Column<Replacement>[] = [
  { header: "restore.plan.kind", cell: (row) => `${kindOf(row.kind)}: ${row.name}` },
  {
    header: "restore.plan.place",
    wrap: "anywhere",
    cell: (row) => (
      <>
        <Text size="sm" ff="monospace">
          {row.live}
        </Text>
        {row.notes.map((note) => (
          <Text key={note} size="sm" c="dimmed">
            {note}
          </Text>
        ))}
      </>
    ),
  },
  {
    header: "restore.plan.exists",
    cell: (row) => t(row.exists ? "restore.plan.existsYes" : "restore.plan.existsNo"),
  },
  {
    header: "restore.plan.size",
    align: "right",
    cell: (row) => (row.size === null ? t("common.unknown") : bytes(row.size)),
  },
];

const SPACE_COLUMNS: Column<Space>[] = [
  {
    header: "restore.plan.spaceWhere",
    wrap: "anywhere",
    cell: (row) => (
      <Text size="sm" ff="monospace">
        {row.where}
      </Text>
    ),
  },
  { header: "restore.plan.needed", align: "right", cell: (row) => bytes(row.needed) },
  { header: "restore.plan.available", align: "right", cell: (row) => bytes(row.available) },
  {
    header: "restore.plan.verdict",
    cell: (row) => (
      <Badge variant="light" autoContrast tt="none" color={row.available >= row.needed ? "green" : "red"}>
        {t(row.available >= row.needed ? "restore.plan.enough" : "restore.plan.short")}
      </Badge>
    ),
  },
];

interface PlanTableProps<Row> {
  title: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
}

function PlanTable<Row>({ title, ...table }: PlanTableProps<Row>) {
  return (
    <div>
      <Title order={4} size="h5">
        {title}
      </Title>
      <DataTable label={title} {...table} minWidth={300} horizontalSpacing={6} />
    </div>
  );
}
