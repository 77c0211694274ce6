/** A dialog with a file field, and more fields as children. */

import { Alert, Button, FileInput, Group, Modal, Stack } from "@mantine/core";
import { type SubmitEvent, type ReactNode, useState } from "react";

import { ActionButton } from "../../components/ActionButton";
import { ApiError } from "../../api/client";
import type { Progress } from "../../api/fileUpload";
import { ProgressView } from "../../components/ProgressView";
import { t } from "../../i18n";

interface FileDialogProps {
  opened: boolean;
  title: string;
  submit: string;
  pending: boolean;
  progress: Progress | null;
  error: Error | null;
  onClose: () => void;
  onSubmit: (file: File, given: FormData) => void;
  children?: ReactNode;
}

export function FileDialog(props: FileDialogProps) {
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={props.title}
      closeButtonProps={{ "aria-label": t("common.close") }}
    >
      <FileForm {...props} />
    </Modal>
  );
}

function FileForm({ submit, pending, progress, error, onClose, onSubmit, children }: FileDialogProps) {
  const [file, setFile] = useState<File | null>(null);
  const [missing, setMissing] = useState(false);
  const ofFile = error instanceof ApiError ? error.field("file") : undefined;
  const send = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setMissing(file === null);
    if (file !== null) {
      onSubmit(file, new FormData(event.currentTarget));
    }
  };
  return (
    <form onSubmit={send} noValidate>
      <Stack>
        {error && !ofFile && (
          <Alert color="red" role="alert">
            {error.message}
          </Alert>
        )}
        <FileInput
          label={t("documents.upload.file")}
          placeholder={t("documents.upload.choose")}
          value={file}
          onChange={setFile}
          error={ofFile ?? (missing && file === null ? t("documents.upload.needsFile") : null)}
          withAsterisk
          data-autofocus
        />
        {children}
        {progress && <ProgressView progress={progress} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <ActionButton type="submit" pending={pending}>
            {submit}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
