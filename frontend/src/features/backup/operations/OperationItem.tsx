/** One operation, with its progress and its result. */

import { Group, List, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ActionButton } from "../../../components/ActionButton";
import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { label, t } from "../../../i18n";
import { ValueBadge } from "../../../components/badges";
import { dateTime } from "../../../components/format";
import { ProgressView } from "../../../components/ProgressView";
import { Allowed } from "../permissions";
import { resultOf } from "./operationResult";

type Operation = Schemas["Operation"];

const WORKING: ReadonlySet<string> = new Set(["AWAITING_APPROVAL", "PENDING", "RUNNING"]);

/** A list of operations, announced when it changes. */
export function OperationList({ operations, withSubject }: { operations: Operation[]; withSubject?: boolean }) {
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }} aria-live="polite">
      {operations.map((one) => (
        <li key={one.uuid}>
          <OperationItem operation={one} withSubject={withSubject ?? false} />
        </li>
      ))}
    </Stack>
  );
}

function OperationItem({ operation, withSubject }: { operation: Operation; withSubject: boolean }) {
  return (
    <Stack gap={4}>
      <Group gap="xs">
        <Text fw={500}>{nameOf(operation)}</Text>
        <ValueBadge group="operationStatus" value={operation.status} />
        <Text size="sm" c="dimmed">
          {[operation.requested_by, dateTime(operation.completed_at ?? operation.queued_at)].filter(Boolean).join(", ")}
        </Text>
        <Allowed to={operation.needs}>
          {WORKING.has(operation.status) && <CancelOperationButton operation={operation} />}
        </Allowed>
      </Group>
      {withSubject && (
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {operation.subject}
        </Text>
      )}
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

function nameOf({ kind, arguments: asked }: Operation): string {
  return kind === "PRUNE" && asked["dry_run"] === true ? t("storage.forecast") : label("operationKind", kind);
}

function Result({ operation }: { operation: Operation }) {
  const { text, details } = resultOf(operation);
  return (
    <>
      <Text size="sm">{text}</Text>
      <List size="sm">
        {details.map((one) => (
          <List.Item key={one} style={{ overflowWrap: "anywhere" }}>
            {one}
          </List.Item>
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
