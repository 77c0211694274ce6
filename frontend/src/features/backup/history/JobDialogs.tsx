/** The dialogs of a job. Each explains the effect of the action. */

import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, type ReactNode, useState } from "react";

import { ActionButton } from "../../../components/ActionButton";
import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { t } from "../../../i18n";
import { dateTime } from "../../../components/format";

const LONGEST_REASON = 200;

interface DialogProps {
  job: Schemas["JobDetail"];
  opened: boolean;
  onClose: () => void;
}

export function CancelDialog({ job, opened, onClose }: DialogProps) {
  const api = useApi();
  const [reason, setReason] = useState("");
  return (
    <ConfirmDialog
      title={t("history.dialogs.cancelTitle")}
      opened={opened}
      onClose={onClose}
      cancelLabel={t("history.dialogs.cancelKeep")}
      confirmLabel={t("history.dialogs.cancelDo")}
      dangerous
      work={() => unwrap(api.POST("/jobs/{uuid}/cancel/", { params: { path: { uuid: job.uuid } }, body: { reason } }))}
    >
      <Text>{t("history.dialogs.cancelText", { name: job.job_name })}</Text>
      <Reason value={reason} onChange={setReason} />
    </ConfirmDialog>
  );
}

export function PinDialog({ job, opened, onClose }: DialogProps) {
  const api = useApi();
  const [reason, setReason] = useState("");
  return (
    <ConfirmDialog
      title={t("history.dialogs.pinTitle")}
      opened={opened}
      onClose={onClose}
      cancelLabel={t("common.cancel")}
      confirmLabel={t("history.dialogs.pinDo")}
      work={() => unwrap(api.POST("/jobs/{uuid}/pin/", { params: { path: { uuid: job.uuid } }, body: { reason } }))}
    >
      <Text>{t("history.dialogs.pinText")}</Text>
      <Reason value={reason} onChange={setReason} />
    </ConfirmDialog>
  );
}

export function DeleteDialog({ job, opened, onClose }: DialogProps) {
  const api = useApi();
  const [typed, setTyped] = useState("");
  return (
    <ConfirmDialog
      title={t("history.dialogs.deleteTitle")}
      opened={opened}
      onClose={() => {
        setTyped("");
        onClose();
      }}
      cancelLabel={t("history.dialogs.deleteKeep")}
      confirmLabel={t("history.dialogs.deleteDo")}
      dangerous
      ready={typed === job.job_name}
      work={() => unwrap(api.DELETE("/jobs/{uuid}/", { params: { path: { uuid: job.uuid } } }))}
    >
      <Text>{t("history.dialogs.deleteText", { time: dateTime(job.started_at ?? job.queued_at) })}</Text>
      <Text>{t("history.dialogs.deleteStays")}</Text>
      <TextInput
        label={t("history.dialogs.deleteType", { name: job.job_name })}
        styles={{ label: { overflowWrap: "anywhere" } }}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
      />
    </ConfirmDialog>
  );
}

function Reason({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <TextInput
      label={t("history.dialogs.reason")}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={LONGEST_REASON}
      data-autofocus
    />
  );
}

interface ConfirmDialogProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  cancelLabel: string;
  confirmLabel: string;
  dangerous?: boolean;
  ready?: boolean;
  work: () => Promise<unknown>;
  children: ReactNode;
}

/** A dialog that closes when the server accepts the action, and stays with the reason when it refuses. */
function ConfirmDialog({
  title,
  opened,
  onClose,
  cancelLabel,
  confirmLabel,
  dangerous = false,
  ready = true,
  work,
  children,
}: ConfirmDialogProps) {
  const queries = useQueryClient();
  const doing = useMutation({
    mutationFn: work,
    onSuccess: async () => {
      onClose();
      await Promise.all(
        ["job", "jobs", "operations", "status"].map((key) => queries.invalidateQueries({ queryKey: [key] })),
      );
    },
  });
  const close = () => {
    doing.reset();
    onClose();
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (ready && !doing.isPending) {
      doing.mutate();
    }
  };
  return (
    <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ "aria-label": t("common.close") }}>
      <form onSubmit={submit}>
        <Stack>
          {children}
          {doing.error && (
            <Alert color="red" role="alert">
              {doing.error.message}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {cancelLabel}
            </Button>
            <ActionButton
              type="submit"
              disabled={!ready}
              pending={doing.isPending}
              {...(dangerous ? { color: "red" } : {})}
            >
              {confirmLabel}
            </ActionButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
