import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import { ApiError, unwrap } from "../../api/client";
import { textField } from "../../api/formData";
import { t } from "../../i18n";
import { useEdms } from "../../api/EdmsProvider";
import { FileDialog } from "./FileDialog";
import { useFileUpload } from "./useFileUpload";

interface Given {
  file: File;
  title: string;
  category: string;
}

/** Uploads a file as a new document, and opens it. */
export function UploadDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { api } = useEdms();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const upload = useFileUpload(
    ({ file, title, category }: Given, sending) =>
      unwrap(api.POST("/documents/", { body: { file: file.name, title, category }, ...sending })),
    (made) => {
      queries.setQueryData(["document", made.id], made);
      void queries.invalidateQueries({ queryKey: ["documents"] });
      void navigate(`/documents/${made.id}`);
    },
  );
  const said = (name: string) => (upload.error instanceof ApiError ? upload.error.field(name) : undefined);
  return (
    <FileDialog
      opened={opened}
      title={t("documents.upload.title")}
      submit={t("documents.upload.submit")}
      pending={upload.pending}
      progress={upload.progress}
      error={upload.error}
      onClose={() => {
        upload.stop();
        onClose();
      }}
      onSubmit={(file, given) =>
        upload.send({ file, title: textField(given, "title"), category: textField(given, "category") })
      }
    >
      <TextInput
        label={t("documents.upload.titleField")}
        description={t("documents.upload.titleHint")}
        name="title"
        error={said("title")}
      />
      <TextInput
        label={t("documents.upload.category")}
        name="category"
        defaultValue="General"
        error={said("category")}
      />
    </FileDialog>
  );
}
