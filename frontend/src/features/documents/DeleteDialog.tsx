import { Alert, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import { ActionButton } from "../../components/ActionButton";
import { unwrap } from "../../api/client";
import type { EdmsSchemas } from "../../api/documents";
import { t } from "../../i18n";
import { useEdms } from "../../api/EdmsProvider";

interface DeleteDialogProps {
  document: EdmsSchemas["DocumentDetail"];
  opened: boolean;
  onClose: () => void;
}

/** Asks for confirmation, deletes the document and returns to the list. */
export function DeleteDialog({ document, opened, onClose }: DeleteDialogProps) {
  const { api } = useEdms();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE("/documents/{id}/", { params: { path: { id: document.id } } })),
    onSuccess: async () => {
      await navigate("/documents", { state: { deleted: document.number } });
      queries.removeQueries({ queryKey: ["document", document.id] });
      void queries.invalidateQueries({ queryKey: ["documents"] });
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("documents.document.deleteTitle", { number: document.number })}
      closeButtonProps={{ "aria-label": t("common.close") }}
    >
      <Stack>
        {remove.error && (
          <Alert color="red" role="alert">
            {remove.error.message}
          </Alert>
        )}
        <Text>{t("documents.document.deleteText")}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("common.cancel")}
          </Button>
          <ActionButton color="red" pending={remove.isPending} onClick={() => remove.mutate()}>
            {t("common.delete")}
          </ActionButton>
        </Group>
      </Stack>
    </Modal>
  );
}
