/** The files and folders to restore: chosen in a tree, or typed where the backup cannot be listed. */

import { Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";

import { t } from "../../../i18n";
import { usePermission } from "../permissions";
import { DocumentSearch } from "./DocumentSearch";
import { FileTree } from "./FileTree";

interface PathsFieldProps {
  /** The job of the backup, or undefined where its files cannot be listed. */
  backup: string | undefined;
  values: string[];
  error: string | undefined;
  onChange: (values: string[]) => void;
}

const pathsIn = (text: string): string[] => text.split("\n").filter((line) => line.trim() !== "");

export function PathsField({ backup, values, error, onChange }: PathsFieldProps) {
  const mayList = usePermission("download_backups") === true;
  const [typed, setTyped] = useState(values.join("\n"));
  // A selection in the tree replaces the typed text. Empty lines are no selection, but a user may be typing there.
  const text = pathsIn(typed).join("\n") === values.join("\n") ? typed : values.join("\n");
  return (
    <Stack gap="xs">
      {mayList && backup && (
        <>
          <Text size="sm" fw={500} aria-live="polite">
            {t("restore.tree.selected", { count: values.length })}
          </Text>
          <DocumentSearch job={backup} selected={values} onChange={onChange} />
          <FileTree job={backup} selected={values} onChange={onChange} />
        </>
      )}
      <Textarea
        label={t("restore.choices.pathsLabel")}
        description={t("restore.choices.pathsHelp")}
        error={error}
        value={text}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          onChange(pathsIn(event.currentTarget.value));
        }}
        spellCheck={false}
        autosize
        minRows={mayList && backup ? 1 : 3}
      />
    </Stack>
  );
}
