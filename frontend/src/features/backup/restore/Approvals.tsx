/** Requests that wait for a second person, with buttons to approve and reject them. */

import { Alert, Anchor, Button, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { operationsQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { Dialog, RequestError } from "../../../components/Dialog";
import { useNotify } from "../../../components/notifications";
import { useRelativeTime } from "../../../components/relativeTime";
import { Allowed, useUserName } from "../permissions";
import { Loaded } from "../../../components/states";

type Operation = Schemas["Operation"];
type Answer = "approve" | "reject" | "cancel";

/** The list of pending approvals. Renders nothing when there are none. */
export function Approvals() {
  const query = useQuery(operationsQuery(useApi(), { status: ["AWAITING_APPROVAL"], limit: 50 }));
  return (
    <Loaded query={query}>
      {({ results }) =>
        results.length === 0 ? null : (
          <Stack component="section" aria-labelledby="waiting-title" gap="xs" mb="lg">
            <Title order={3} size="h4" id="waiting-title" tabIndex={-1}>
              {t("restore.waiting.title")}
            </Title>
            {results.map((one) => (
              <Approval key={one.uuid} operation={one} />
            ))}
          </Stack>
        )
      }
    </Loaded>
  );
}

export function operationTitle(operation: Operation): string {
  const live = operation.kind === "RESTORE" && operation.arguments["target"] === "live";
  return `${label("operationKind", operation.kind)}: ${operation.subject}${live ? ` ${t("restore.waiting.live")}` : ""}`;
}

function useAnswer(operation: Operation, onDone: () => void) {
  const api = useApi();
  const notify = useNotify();
  const queries = useQueryClient();
  const params = { path: { uuid: operation.uuid } };
  const said = { approve: "approved", reject: "rejected", cancel: "withdrawn" } as const;
  return useMutation({
    mutationFn: ({ answer, reason }: { answer: Answer; reason: string }) =>
      unwrap<Operation>(
        answer === "approve"
          ? api.POST("/operations/{uuid}/approve/", { params })
          : answer === "reject"
            ? api.POST("/operations/{uuid}/reject/", { params, body: { reason } })
            : api.POST("/operations/{uuid}/cancel/", { params, body: { reason } }),
      ),
    onSuccess: (_operation, { answer }) => {
      notify({ tone: "good", title: t(`restore.waiting.${said[answer]}`, { what: operationTitle(operation) }) });
      onDone();
      return Promise.all(
        ["operations", "operation", "restores", "restore", "configurations"].map((word) =>
          queries.invalidateQueries({ queryKey: [word] }),
        ),
      );
    },
  });
}

/** One pending approval. Users cannot approve their own requests. */
export function Approval({ operation, linked = true }: { operation: Operation; linked?: boolean }) {
  const base = useConsolePath();
  const ago = useRelativeTime();
  const [asking, setAsking] = useState<"approve" | "reject" | null>(null);
  const [reason, setReason] = useState("");
  const close = () => setAsking(null);
  const answer = useAnswer(operation, close);
  const ask = (which: "approve" | "reject") => {
    answer.reset();
    setAsking(which);
  };
  const what = operationTitle(operation);
  const me = useUserName();
  const isOwn = me !== null && me === operation.requested_by;
  const text = t(`restore.waiting.${isOwn ? "own" : "text"}`, {
    who: operation.requested_by ?? t("restore.waiting.unknownWho"),
    ago: ago(operation.queued_at),
  });
  const failed = answer.variables?.answer === "cancel" ? answer.error : null;
  return (
    <Alert color="yellow" title={what} role="note">
      <Stack gap="xs">
        <Text size="sm">{text}</Text>
        <RequestError error={failed} />
        <Group gap="xs">
          <Allowed to={operation.needs}>
            {!isOwn && (
              <>
                <Button
                  size="xs"
                  id={`approve-${operation.uuid}`}
                  onClick={() => ask("approve")}
                  aria-label={t("restore.waiting.approveOf", { what })}
                >
                  {t("restore.waiting.approve")}
                </Button>
                <Button
                  size="xs"
                  id={`reject-${operation.uuid}`}
                  variant="default"
                  onClick={() => ask("reject")}
                  aria-label={t("restore.waiting.rejectOf", { what })}
                >
                  {t("restore.waiting.reject")}
                </Button>
              </>
            )}
            <ActionButton
              size="xs"
              variant="default"
              pending={answer.isPending && answer.variables.answer === "cancel"}
              onClick={() => answer.mutate({ answer: "cancel", reason: "" })}
              aria-label={t("restore.waiting.withdrawOf", { what })}
            >
              {t("restore.waiting.withdraw")}
            </ActionButton>
          </Allowed>
          {linked && operation.restore && (
            <Anchor component={Link} to={`${base}/restores/${operation.restore}`} size="sm">
              {t("restore.waiting.open")}
            </Anchor>
          )}
        </Group>
      </Stack>
      <Dialog
        title={t(asking === "reject" ? "restore.waiting.rejectTitle" : "restore.waiting.approveTitle")}
        opened={asking !== null}
        onClose={close}
        returnTo={`${answer.variables?.answer === "reject" ? "reject" : "approve"}-${operation.uuid}`}
      >
        <Stack>
          {asking === "reject" ? (
            <Textarea
              label={t("restore.waiting.reason")}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              maxLength={200}
              autosize
              minRows={2}
              data-autofocus
            />
          ) : (
            <Text>{t("restore.waiting.approveText", { what })}</Text>
          )}
          <RequestError error={answer.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t("common.cancel")}
            </Button>
            <ActionButton
              {...(asking === "reject" && { color: "red" })}
              pending={answer.isPending}
              onClick={() => asking && answer.mutate({ answer: asking, reason })}
            >
              {t(asking === "reject" ? "restore.waiting.rejectNow" : "restore.waiting.approve")}
            </ActionButton>
          </Group>
        </Stack>
      </Dialog>
    </Alert>
  );
}
