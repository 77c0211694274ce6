/** A field for names of tables. It offers those of the backup, if the user may list them. */

import { Group, TagsInput, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useApi } from "../../../api/ApiProvider";
import { tablesQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { usePermission } from "../permissions";

interface TablesProps {
  name: "tables" | "leaveOut";
  /** The job of the backup, or undefined where its tables cannot be listed. */
  backup: string | undefined;
  values: string[];
  error: string | undefined;
  onChange: (values: string[]) => void;
}

export function TablesField({ name, backup = "", values, error, onChange }: TablesProps) {
  const may = usePermission("download_backups") === true;
  const query = useQuery({ ...tablesQuery(useApi(), backup), enabled: may && backup !== "" });
  const rows = new Map(query.data?.results.map((one) => [one.name, one.rows]));
  const help = t(`restore.choices.${name}Help`);
  return (
    <TagsInput
      label={t(`restore.choices.${name}Label`)}
      description={
        query.error ? `${help} ${t("restore.choices.tablesUnknown", { message: query.error.message })}` : help
      }
      error={error}
      value={values}
      onChange={onChange}
      data={[...rows.keys()]}
      renderOption={({ option }) => (
        <Group justify="space-between" w="100%" wrap="nowrap">
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {option.value}
          </Text>
          <Text size="xs" style={{ whiteSpace: "nowrap" }}>
            {t("restore.choices.tableRows", { count: rows.get(option.value) ?? 0 })}
          </Text>
        </Group>
      )}
      splitChars={[",", " ", "\n"]}
      maxDropdownHeight={320}
      spellCheck={false}
      clearable
      clearButtonProps={{ "aria-label": t("restore.choices.clearTables") }}
    />
  );
}
