import { useMutation, useQueryClient } from "@tanstack/react-query";

import { unwrap } from "../../api/client";
import { type EdmsSchemas, withFile } from "../../api/documents";
import { t } from "../../i18n";
import { usePlace } from "../place";
import { FileDialog } from "./FileDialog";

interface VersionDialogProps {
  document: EdmsSchemas["DocumentDetail"];
  opened: boolean;
  onClose: () => void;
}

/** Takes a file in as the next version of a document. */
export function VersionDialog({ document, opened, onClose }: VersionDialogProps) {
  const { api } = usePlace();
  const queries = useQueryClient();
  const add = useMutation({
    mutationFn: (file: File) =>
      unwrap(
        api.POST("/documents/{id}/versions/", {
          params: { path: { id: document.id } },
          body: { file: file.name },
          bodySerializer: withFile(file),
        }),
      ),
    onSuccess: async () => {
      void queries.invalidateQueries({ queryKey: ["documents"] });
      await queries.invalidateQueries({ queryKey: ["document", document.id] });
      onClose();
    },
  });
  return (
    <FileDialog
      opened={opened}
      title={t("shell.document.addTitle", { number: document.number })}
      submit={t("shell.document.add")}
      pending={add.isPending}
      error={add.error}
      onClose={() => {
        add.reset();
        onClose();
      }}
      onSubmit={(file) => add.mutate(file)}
    />
  );
}
