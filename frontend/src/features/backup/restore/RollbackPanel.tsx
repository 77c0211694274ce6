/** The previous state of a restore: roll back to it, or release it. */

import { Alert, Button, Group, Stack, Switch, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useEffect, useState } from "react";

import { ActionButton } from "../../../components/ActionButton";
import { type ApiError, type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { operationQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { Dialog, RequestError, NameConfirmation } from "../../../components/Dialog";
import { ProgressView } from "../../../components/ProgressView";
import { Allowed } from "../permissions";

type Restore = Schemas["RestoreDetail"];
type Operation = Schemas["Operation"];
type Which = "rollback" | "release";

interface KeptProps {
  restore: Restore;
  /** Rollbacks and releases, newest first. */
  operations: Operation[];
}

export function Kept({ restore, operations }: KeptProps) {
  const [asking, setAsking] = useState<Which | null>(null);
  const [last, setLast] = useState<Which>("rollback");
  const newest = operations[0];
  const open = newest && ["AWAITING_APPROVAL", "PENDING", "RUNNING"].includes(newest.status);
  const ask = (which: Which) => {
    setAsking(which);
    setLast(which);
  };
  return (
    <>
      {restore.rollback_state === "ROLLED_BACK" && <Alert color="green">{t("restore.page.rolledBack")}</Alert>}
      {restore.rollback_state === "RELEASED" && <Alert color="gray">{t("restore.page.released")}</Alert>}
      {newest && restore.rollback_state === "AVAILABLE" && <LatestOperation uuid={newest.uuid} />}
      {restore.rollback_state === "AVAILABLE" && !open && (
        <Alert color="blue" title={t("restore.page.keptTitle")}>
          <Text size="sm" mb="sm">
            {t("restore.page.keptText")}
          </Text>
          <Allowed to="restore_backups">
            <Group>
              <Button id="ask-rollback" variant="default" onClick={() => ask("rollback")}>
                {t("restore.page.rollback")}
              </Button>
              <Button id="ask-release" variant="default" onClick={() => ask("release")}>
                {t("restore.page.release")}
              </Button>
            </Group>
          </Allowed>
        </Alert>
      )}
      <Dialog
        title={t(`restore.page.${last}Title`)}
        opened={asking !== null}
        onClose={() => setAsking(null)}
        returnTo={`ask-${last}`}
      >
        <Confirm which={last} restore={restore} onClose={() => setAsking(null)} />
      </Dialog>
    </>
  );
}

function Confirm({ which, restore, onClose }: { which: Which; restore: Restore; onClose: () => void }) {
  const api = useApi();
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const [safety, setSafety] = useState(true);
  const params = { path: { uuid: restore.uuid } };
  const action = useMutation<Operation, ApiError>({
    mutationFn: () =>
      unwrap(
        which === "rollback"
          ? api.POST("/restores/{uuid}/rollback/", { params, body: { safety_backup: safety } })
          : api.POST("/restores/{uuid}/release/", { params }),
      ),
    onSuccess: async (operation) => {
      queries.setQueryData(["operation", operation.uuid], operation);
      await queries.invalidateQueries({ queryKey: ["operations"] });
      onClose();
    },
  });
  // A rollback replaces the live state, as a restore does. So it requires the same typed name.
  const fits = which === "release" || typed === restore.backup_reference;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (fits) {
      action.mutate();
    }
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text>{t(`restore.page.${which}Text`)}</Text>
        {which === "release" && restore.changes && <LateChanges changes={restore.changes} />}
        {which === "rollback" && (
          <>
            <Switch
              label={t("restore.choices.safety")}
              description={t("restore.page.rollbackSafety")}
              checked={safety}
              onChange={(event) => setSafety(event.currentTarget.checked)}
            />
            <NameConfirmation
              name={restore.backup_reference}
              label={t("restore.page.rollbackType")}
              value={typed}
              onChange={setTyped}
            />
          </>
        )}
        <RequestError error={action.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <ActionButton type="submit" color="red" disabled={!fits} pending={action.isPending}>
            {t(`restore.page.${which}Now`)}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

/** The changes that a release deletes for good. No backup has them. */
function LateChanges({ changes }: { changes: Schemas["Changes"] }) {
  const lines = [
    ...changes.tables.map(({ table, before, after, written }) =>
      written === null
        ? t("restore.page.releaseLateTable", { table, before, after })
        : t("restore.page.releaseLateRows", { table, before, after, written }),
    ),
    ...changes.files.map(({ root, before, after, written }) =>
      t("restore.page.releaseLateFiles", { root, before, after, written }),
    ),
    ...changes.unknown,
  ];
  if (lines.length === 0) {
    return null;
  }
  return (
    <Alert color="orange" title={t("restore.page.releaseLate")} style={{ overflowWrap: "anywhere" }}>
      {lines.map((line) => (
        <Text size="sm" key={line}>
          {line}
        </Text>
      ))}
    </Alert>
  );
}

/** The latest request: queued, running, failed or rejected. */
function LatestOperation({ uuid }: { uuid: string }) {
  const queries = useQueryClient();
  const { data } = useQuery(operationQuery(useApi(), uuid));
  const status = data?.status;
  useEffect(() => {
    // A rollback ends the session that receives its events, so refetch without them.
    if (status === "COMPLETED") {
      void queries.invalidateQueries({ queryKey: ["restore"] });
    }
  }, [status, queries]);
  if (!data) {
    return null;
  }
  const what = label("operationKind", data.kind);
  if (data.status === "FAILED" || data.status === "REJECTED") {
    const title = t(data.status === "FAILED" ? "restore.page.operationFailed" : "restore.page.operationRejected", {
      what,
    });
    return (
      <Alert color="red" title={title} style={{ overflowWrap: "anywhere" }}>
        {data.error_message}
      </Alert>
    );
  }
  if (data.status !== "PENDING" && data.status !== "RUNNING") {
    return null;
  }
  return (
    <Stack gap="xs" role="status">
      <Text fw={600}>
        {what}: {label("operationStatus", data.status)}
      </Text>
      {data.progress && <ProgressView progress={data.progress} />}
    </Stack>
  );
}
