/** The files of a backup by the number, title or date of their document. */

import { Checkbox, Group, Stack, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { useApi } from "../../../api/ApiProvider";
import type { Schemas } from "../../../api/client";
import { backupDocumentsQuery } from "../../../api/queries";
import { calendarDate, dateTime } from "../../../components/format";
import { SearchField } from "../../../components/SearchField";
import { LoadingOrError } from "../../../components/states";
import { t } from "../../../i18n";
import { toggled } from "./FileTree";
import classes from "./FileTree.module.css";

interface DocumentSearchProps {
  job: string;
  /** The paths of the selected files and folders. */
  selected: string[];
  onChange: (selected: string[]) => void;
}

export function DocumentSearch({ job, selected, onChange }: DocumentSearchProps) {
  const [search, setSearch] = useState("");
  const query = useQuery({
    ...backupDocumentsQuery(useApi(), job, search.trim()),
    placeholderData: keepPreviousData,
  });
  if (query.data?.available === false) {
    return (
      <Text size="sm" c="dimmed">
        {t("restore.documents.unavailable")}
      </Text>
    );
  }
  return (
    <Stack gap={4}>
      <Group>
        <SearchField label={t("restore.documents.label")} value={search} onChange={setSearch} />
      </Group>
      {search.trim() !== "" &&
        (query.data === undefined ? (
          <LoadingOrError query={query} />
        ) : (
          <Matches found={query.data} selected={selected} onChange={onChange} />
        ))}
    </Stack>
  );
}

type Found = Schemas["Documents"];

function Matches({ found, selected, onChange }: { found: Found } & Omit<DocumentSearchProps, "job">) {
  const label = useId();
  return (
    <div className={classes["box"]} role="group" aria-labelledby={label}>
      <Text id={label} size="sm" c="dimmed" aria-live="polite">
        {t("restore.documents.found", { count: found.results.length })}
        {found.cut_off && ` ${t(`restore.documents.cutOff.${found.cut_off}`)}`}
      </Text>
      <ul className={classes["entries"]}>
        {found.results.map((one) => (
          <li key={one.path} className={classes["row"]}>
            <Checkbox
              size="sm"
              label={one.title}
              description={[one.date && shownDate(one.date), one.path].filter(Boolean).join(" · ")}
              checked={selected.includes(one.path)}
              onChange={() => onChange(toggled(selected, one.path))}
              styles={{ label: { overflowWrap: "anywhere" }, description: { overflowWrap: "anywhere" } }}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A timestamp in the user's time zone, or a date as it is. */
const shownDate = (text: string): string => (text.includes("T") ? dateTime(text) : calendarDate(`${text}T00:00`));
