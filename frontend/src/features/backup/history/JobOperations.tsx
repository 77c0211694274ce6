/** Verifications and deletions of a backup, with their progress and results. */

import { Group, List, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ActionButton } from "../../../components/ActionButton";
import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { jobOperationsQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { ValueBadge } from "../../../components/badges";
import { bytes, dateTime } from "../../../components/format";
import { ProgressView } from "../../../components/ProgressView";
import { Allowed } from "../permissions";
import { Section } from "../../../components/Section";
import { ErrorAlert } from "../../../components/states";

type Operation = Schemas["Operation"];

const KINDS: ReadonlySet<string> = new Set(["VERIFY", "REMOVE"]);
const WORKING: ReadonlySet<string> = new Set(["AWAITING_APPROVAL", "PENDING", "RUNNING"]);

export function JobOperations({ job }: { job: string }) {
  const query = useQuery(jobOperationsQuery(useApi(), job));
  const found = query.data?.results.filter((one) => KINDS.has(one.kind)) ?? [];
  if (query.error) {
    return <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (found.length === 0) {
    return null;
  }
  return (
    <Section title={t("history.operations.title")}>
      <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }} aria-live="polite">
        {found.map((one) => (
          <li key={one.uuid}>
            <OperationItem operation={one} />
          </li>
        ))}
      </Stack>
    </Section>
  );
}

function OperationItem({ operation }: { operation: Operation }) {
  return (
    <Stack gap={4}>
      <Group gap="xs">
        <Text fw={500}>{label("operationKind", operation.kind)}</Text>
        <ValueBadge group="operationStatus" value={operation.status} />
        <Text size="sm" c="dimmed">
          {[operation.requested_by, dateTime(operation.completed_at ?? operation.queued_at)].filter(Boolean).join(", ")}
        </Text>
        <Allowed to={operation.needs}>
          {WORKING.has(operation.status) && <CancelOperationButton operation={operation} />}
        </Allowed>
      </Group>
      {operation.status === "AWAITING_APPROVAL" && <Text size="sm">{t("history.operations.awaiting")}</Text>}
      {operation.status === "RUNNING" && operation.progress && <ProgressView progress={operation.progress} />}
      {operation.error_message && (
        <Text size="sm" c={operation.status === "FAILED" ? "var(--mantine-color-error)" : "dimmed"}>
          {operation.error_message}
        </Text>
      )}
      {operation.status === "COMPLETED" && <Result operation={operation} />}
    </Stack>
  );
}

function Result({ operation: { kind, result } }: { operation: Operation }) {
  const findings = Array.isArray(result["findings"]) ? result["findings"].map(String) : [];
  if (kind === "REMOVE") {
    const count = Array.isArray(result["removed"]) ? result["removed"].length : 0;
    const freed = typeof result["freed_bytes"] === "number" ? bytes(result["freed_bytes"]) : t("common.unknown");
    return <Text size="sm">{t("history.operations.removed", { count, bytes: freed })}</Text>;
  }
  return (
    <>
      <Text size="sm">
        {t("history.operations.verified", {
          trust: label("trust", typeof result["trust"] === "string" ? result["trust"] : ""),
        })}
        {findings.length > 0 && ` ${t("history.operations.findings", { count: Number(result["findings_count"]) })}:`}
      </Text>
      <List size="sm">
        {findings.map((text) => (
          <List.Item key={text}>{text}</List.Item>
        ))}
      </List>
    </>
  );
}

function CancelOperationButton({ operation }: { operation: Operation }) {
  const api = useApi();
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/operations/{uuid}/cancel/", { params: { path: { uuid: operation.uuid } }, body: { reason: "" } }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["operations"] }),
  });
  return (
    <>
      <ActionButton
        size="compact-xs"
        variant="default"
        pending={stop.isPending}
        disabled={operation.cancel_requested_at !== null || !operation.cancellable}
        onClick={() => stop.mutate()}
      >
        {t("history.operations.cancel")}
      </ActionButton>
      {stop.error && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {stop.error.message}
        </Text>
      )}
    </>
  );
}
