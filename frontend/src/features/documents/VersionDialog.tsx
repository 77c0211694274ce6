import { useQueryClient } from "@tanstack/react-query";

import { unwrap } from "../../api/client";
import type { EdmsSchemas } from "../../api/documents";
import { t } from "../../i18n";
import { useEdms } from "../../api/EdmsProvider";
import { FileDialog } from "./FileDialog";
import { useFileUpload } from "./useFileUpload";

interface VersionDialogProps {
  document: EdmsSchemas["DocumentDetail"];
  opened: boolean;
  onClose: () => void;
}

/** Uploads a file as the next version of a document. */
export function VersionDialog({ document, opened, onClose }: VersionDialogProps) {
  const { api } = useEdms();
  const queries = useQueryClient();
  const add = useFileUpload(
    ({ file }: { file: File }, sending) =>
      unwrap(
        api.POST("/documents/{id}/versions/", {
          params: { path: { id: document.id } },
          body: { file: file.name },
          ...sending,
        }),
      ),
    async () => {
      void queries.invalidateQueries({ queryKey: ["documents"] });
      await queries.invalidateQueries({ queryKey: ["document", document.id] });
      onClose();
    },
  );
  return (
    <FileDialog
      opened={opened}
      title={t("documents.document.addTitle", { number: document.number })}
      submit={t("documents.document.add")}
      pending={add.pending}
      progress={add.progress}
      error={add.error}
      onClose={() => {
        add.stop();
        onClose();
      }}
      onSubmit={(file) => add.send({ file })}
    />
  );
}
