/** The third step: the plan, and the confirmation that starts the restore. */

import { Alert, Anchor, Card, Group, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { Link, useNavigate } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { type ApiError, type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { operationQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { RequestError, NameConfirmation } from "../../../components/Dialog";
import { useRelativeTime } from "../../../components/relativeTime";
import { ProgressView } from "../../../components/ProgressView";
import { Loaded } from "../../../components/states";
import { type Choices, choicesOf, requestOf, searchOf } from "./choices";
import { planOf } from "./plan";
import { PlanView } from "./PlanView";

type Operation = Schemas["Operation"];

export function PlanStep({ uuid }: { uuid: string }) {
  const query = useQuery(operationQuery(useApi(), uuid));
  return (
    <Stack>
      <Title order={3}>{t("restore.plan.title")}</Title>
      <Loaded query={query}>{(operation) => <PlanState operation={operation} />}</Loaded>
    </Stack>
  );
}

function PlanState({ operation }: { operation: Operation }) {
  const ago = useRelativeTime();
  const base = useConsolePath();
  const choices = choicesOf(operation.arguments);
  const plan = planOf(operation.result);
  const back = (
    <Anchor component={Link} to={`${base}/restore${searchOf(choices)}`}>
      {t("restore.plan.change")}
    </Anchor>
  );
  if (operation.kind !== "PLAN") {
    return <Alert color="red">{t("restore.plan.notAPlan")}</Alert>;
  }
  if (operation.status === "PENDING" || operation.status === "RUNNING") {
    return <PlanProgress operation={operation} />;
  }
  if (operation.status !== "COMPLETED" || plan === null) {
    const failed = operation.status === "FAILED";
    const title = failed
      ? t("restore.plan.failed")
      : t("restore.plan.ended", { status: label("operationStatus", operation.status) });
    return (
      <Stack>
        <Alert color="red" title={title} role="alert">
          {operation.error_message}
        </Alert>
        {back}
      </Stack>
    );
  }
  return (
    <Stack>
      <PlanView plan={plan} choices={choices} />
      {operation.completed_at && (
        <Text size="sm" c="dimmed">
          {t("restore.plan.old", { ago: ago(operation.completed_at) })}
        </Text>
      )}
      {plan.blocking.length === 0 && <ConfirmForm operation={operation} choices={choices} />}
      {back}
    </Stack>
  );
}

function PlanProgress({ operation }: { operation: Operation }) {
  const api = useApi();
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/operations/{uuid}/cancel/", { params: { path: { uuid: operation.uuid } }, body: { reason: "" } }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["operation", operation.uuid] }),
  });
  return (
    <Stack role="status">
      <Text fw={600}>{t("restore.plan.making")}</Text>
      <Text>{t(operation.status === "PENDING" ? "restore.plan.waits" : "restore.plan.makingText")}</Text>
      {operation.progress && <ProgressView progress={operation.progress} />}
      <RequestError error={cancel.error} />
      <ActionButton
        variant="default"
        onClick={() => cancel.mutate()}
        pending={cancel.isPending}
        style={{ alignSelf: "flex-start" }}
      >
        {t("restore.plan.cancel")}
      </ActionButton>
    </Stack>
  );
}

function ConfirmForm({ operation, choices }: { operation: Operation; choices: Choices }) {
  const api = useApi();
  const base = useConsolePath();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const live = choices.target === "live";
  const begin = useMutation<Schemas["Begun"], ApiError>({
    mutationFn: () =>
      unwrap(api.POST("/restores/", { body: { ...requestOf(choices), confirm: typed, plan: operation.uuid } })),
    onSuccess: ({ restore }) => {
      queries.setQueryData(["restore", restore.uuid], restore);
      void queries.invalidateQueries({ queryKey: ["restores"] });
      void queries.invalidateQueries({ queryKey: ["operations"] });
      return navigate(`${base}/restores/${restore.uuid}`);
    },
  });
  const fits = !live || typed === operation.subject;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (fits) {
      begin.mutate();
    }
  };
  const wrong = begin.error?.field("confirm");
  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Stack>
        <Title order={4}>{t(live ? "restore.plan.confirmTitle" : "restore.plan.confirmTitleElsewhere")}</Title>
        {live && <Text>{t("restore.plan.confirmText")}</Text>}
        {live && (
          <NameConfirmation
            name={operation.subject}
            label={t("restore.plan.confirmLabel")}
            value={typed}
            onChange={setTyped}
            error={wrong}
          />
        )}
        {!wrong && <RequestError error={begin.error} />}
        <Group>
          <ActionButton type="submit" {...(live && { color: "red" })} disabled={!fits} pending={begin.isPending}>
            {t(live ? "restore.plan.begin" : "restore.plan.beginElsewhere")}
          </ActionButton>
        </Group>
      </Stack>
    </Card>
  );
}
