/** The details of a restore. */

import { Accordion, Alert, Anchor, List, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { operationsQuery } from "../../../api/queries";
import { label, number, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { bytes, duration, dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { ProgressView } from "../../../components/ProgressView";
import { Allowed } from "../permissions";
import { Kept } from "./RollbackPanel";
import { planOf } from "./plan";
import { PlanView } from "./PlanView";
import { requesterText, targetText } from "./RestoreList";
import { CancelButton } from "./CancelButton";
import { Approval } from "./Approvals";

type Restore = Schemas["RestoreDetail"];
type Operation = Schemas["Operation"];

interface RestoreDetailsProps {
  restore: Restore;
  /** Whether the state is the last known one, because the server does not answer. */
  stale: boolean;
  /** Whether the session has ended, so that the server accepts no request. */
  signedOut: boolean;
}

export function RestoreDetails({ restore, stale, signedOut }: RestoreDetailsProps) {
  // The other requests: a rollback, a release, or the restore itself while it awaits approval.
  const operations = useQuery(operationsQuery(useApi(), { restore: restore.uuid, limit: 20 })).data?.results ?? [];
  const waiting = operations.filter((one) => one.status === "AWAITING_APPROVAL");
  const own = operations.find((one) => one.kind === "RESTORE");
  const plan = planOf(restore.plan);
  return (
    <Stack>
      {waiting.map((one) => (
        <Approval key={one.uuid} operation={one} linked={false} />
      ))}
      {waiting.length === 0 && <State restore={restore} operation={signedOut ? undefined : own} stale={stale} />}
      {!signedOut && <Kept restore={restore} operations={operations.filter((one) => one.kind !== "RESTORE")} />}
      <Facts restore={restore} />
      <Phases restore={restore} />
      <Counts counts={restore.counts} isDone={restore.status === "COMPLETED"} />
      {restore.log.length > 0 && (
        <Section title={t("restore.page.log")}>
          <List size="sm">
            {restore.log.map((line, index) => (
              <List.Item key={`${index} ${line}`} style={{ overflowWrap: "anywhere" }}>
                {line}
              </List.Item>
            ))}
          </List>
        </Section>
      )}
      {plan && (
        <Accordion variant="contained" order={3}>
          <Accordion.Item value="plan">
            <Accordion.Control>{t("restore.page.plan")}</Accordion.Control>
            <Accordion.Panel>
              <PlanView plan={plan} />
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </Stack>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <Title order={3} size="h5" mb={4}>
        {title}
      </Title>
      {children}
    </div>
  );
}

interface StateProps {
  restore: Restore;
  operation: Operation | undefined;
  stale: boolean;
}

function State({ restore, operation, stale }: StateProps) {
  const { status } = restore;
  if (status === "COMPLETED") {
    const kept = restore.rollback_state === "AVAILABLE";
    return <Alert color="green">{t(kept ? "restore.page.done" : "restore.page.doneNothingKept")}</Alert>;
  }
  if (status === "FAILED" || status === "CANCELLED") {
    const failed = status === "FAILED";
    const title = t(failed ? "restore.page.failed" : "restore.page.cancelledState");
    return (
      <Alert color={failed ? "red" : "gray"} title={title} style={{ overflowWrap: "anywhere" }}>
        {restore.error_message}
      </Alert>
    );
  }
  if (stale) {
    const phase = restore.progress?.phase ?? label("restoreStatus", status);
    return <Text>{t("restore.page.lastKnown", { phase })}</Text>;
  }
  return (
    <Stack gap="xs" role="status">
      {status === "PENDING" ? (
        <Text>{t("restore.page.waits")}</Text>
      ) : restore.progress ? (
        <ProgressView progress={restore.progress} />
      ) : (
        <Text>{t("restore.page.working")}</Text>
      )}
      {operation && <Cancelling operation={operation} restore={restore.uuid} />}
    </Stack>
  );
}

function Cancelling({ operation, restore }: { operation: Operation; restore: string }) {
  if (operation.cancel_requested_at) {
    return <Text size="sm">{t("restore.page.cancelling")}</Text>;
  }
  if (!operation.cancellable) {
    return <Text size="sm">{t("restore.page.exchanging")}</Text>;
  }
  return (
    <Allowed to="restore_backups">
      <CancelButton restore={restore} />
    </Allowed>
  );
}

function Facts({ restore }: { restore: Restore }) {
  const ago = useRelativeTime();
  const base = useConsolePath();
  const { started_at: began, completed_at: ended, backup_job: job } = restore;
  const facts: [string, ReactNode][] = [
    [
      t("restore.page.from"),
      job ? (
        <Anchor component={Link} to={`${base}/history/${job}`} size="sm" style={{ overflowWrap: "anywhere" }}>
          {restore.backup_reference}
        </Anchor>
      ) : (
        restore.backup_reference
      ),
    ],
    [t("restore.page.what"), label("restoreType", restore.restore_type)],
    [t("restore.page.to"), targetText(restore.target)],
    [t("restore.page.by"), requesterText(restore)],
    [t("restore.page.asked"), `${dateTime(restore.queued_at)} (${ago(restore.queued_at)})`],
  ];
  if (began) {
    facts.push([t("restore.page.began"), dateTime(began)]);
  }
  if (ended) {
    facts.push([t("restore.page.ended"), dateTime(ended)]);
  }
  if (began && ended) {
    const seconds = (new Date(ended).getTime() - new Date(began).getTime()) / 1000;
    facts.push([t("restore.page.took"), duration(seconds)]);
  }
  return (
    <SimpleGrid component="dl" cols={{ base: 2, sm: 4 }} spacing="md" m={0}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <Text component="dt" size="sm" c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0} size="sm" style={{ overflowWrap: "anywhere" }}>
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

function Phases({ restore }: { restore: Restore }) {
  return restore.phases.length === 0 ? null : (
    <Section title={t("restore.page.phases")}>
      <Table maw="40rem">
        <Table.Tbody>
          {restore.phases.map((one) => (
            <Table.Tr key={`${one.started_at} ${one.phase}`}>
              <Table.Td>{one.phase}</Table.Td>
              <Table.Td ta="right">{duration(one.seconds)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}

const COUNTS = ["databases", "files", "bytes", "rows", "tables"] as const;

function Counts({ counts, isDone }: { counts: Record<string, number>; isDone: boolean }) {
  const known = Object.entries(counts).map(([name, value]) => {
    const key = COUNTS.find((one) => one === name);
    return [key ? t(`restore.page.countNames.${key}`) : name, name === "bytes" ? bytes(value) : number(value)];
  });
  return known.length === 0 ? null : (
    <Section title={t("restore.page.counts")}>
      <Text size="sm">{known.map(([name, value]) => `${name}: ${value}`).join(", ")}</Text>
      {isDone && <Text size="sm">{t("restore.page.compared")}</Text>}
    </Section>
  );
}
