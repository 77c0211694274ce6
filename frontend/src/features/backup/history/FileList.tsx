/** The contents of a folder in a backup, or the results of a search. */

import { Anchor, Button, Group, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useMemo } from "react";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { bytes, dateTime } from "../../../components/format";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { Allowed } from "../permissions";
import { DownloadButton } from "./DownloadButton";

type Entry = Schemas["Entry"];

/** Outlines in a 16 by 16 box. */
const MARKS: Record<Entry["kind"], string> = {
  folder: "M1.5 3.5h4.5l1.5 2h7v8h-13z",
  file: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3",
  link: "M2.5 13.5v-4q0-3 3-3h7M9.5 3.5l3 3l-3 3",
  special: "M8 1.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z",
};

/** Return the address of a folder in a backup. */
export function folderPath(job: string, path: string): string {
  return `../history/${job}/files${path ? `?path=${encodeURIComponent(path)}` : ""}`;
}

/** A link to a restore of this entry only. */
function RestoreLink({ job, entry }: { job: string; entry: Entry }) {
  return (
    <Allowed to="restore_backups">
      <Button
        component={Link}
        to={`../restore?${new URLSearchParams({ backup: job, only: "paths", path: entry.path })}`}
        size="compact-sm"
        variant="default"
        aria-label={t("history.files.restoreThis", { name: entry.name })}
      >
        {t("history.files.restoreShort")}
      </Button>
    </Allowed>
  );
}

interface Props {
  job: string;
  entries: Entry[];
  /** Whether to show the whole path of each entry. */
  full: boolean;
  onPreview: (entry: Entry) => void;
}

export function FileList({ job, entries, full, onPreview }: Props) {
  const columns = useMemo(() => columnsOf({ job, full, onPreview }), [job, full, onPreview]);
  return <DataTable columns={columns} rows={entries} rowKey={(entry) => entry.path} highlightOnHover />;
}

function columnsOf({ job, full, onPreview }: Omit<Props, "entries">): Column<Entry>[] {
  return [
    {
      header: "history.files.name",
      cell: (entry) => <Name job={job} entry={entry} full={full} onPreview={onPreview} />,
    },
    {
      header: "history.files.size",
      align: "right",
      wrap: "never",
      visibleFrom: "sm",
      cell: (entry) => (entry.size === null ? "" : bytes(entry.size)),
    },
    {
      header: "history.files.modified",
      wrap: "never",
      visibleFrom: "sm",
      cell: (entry) => entry.modified_at && dateTime(entry.modified_at),
    },
    {
      header: "history.files.actions",
      isHeaderHidden: true,
      align: "right",
      cell: (entry) => <FileActions job={job} entry={entry} />,
    },
  ];
}

function FileActions({ job, entry }: { job: string; entry: Entry }) {
  const isWhole = entry.kind === "file" || entry.kind === "folder";
  return (
    isWhole &&
    !entry.withheld && (
      <Group gap={6} justify="flex-end">
        <DownloadButton job={job} path={entry.path} text={t("history.files.downloadShort")} name={entry.name} />
        <RestoreLink job={job} entry={entry} />
      </Group>
    )
  );
}

function Name({ job, entry, full, onPreview }: Omit<Props, "entries"> & { entry: Entry }) {
  const name = full ? entry.path : entry.name;
  return (
    <Group gap={6} wrap="nowrap" align="start">
      <svg viewBox="0 0 16 16" width={16} height={16} aria-hidden style={{ flex: "none", marginTop: 4 }}>
        <path
          d={MARKS[entry.kind]}
          fill={entry.kind === "folder" ? "currentColor" : "none"}
          fillOpacity={0.2}
          stroke="currentColor"
        />
      </svg>
      <VisuallyHidden>{t(`history.files.kinds.${entry.kind}`)}</VisuallyHidden>
      <div style={{ overflowWrap: "anywhere" }}>
        {entry.kind === "folder" ? (
          <Anchor component={Link} to={folderPath(job, entry.path)}>
            {name}
          </Anchor>
        ) : entry.kind === "file" && !entry.withheld ? (
          <UnstyledButton
            c="var(--mantine-color-anchor)"
            onClick={() => onPreview(entry)}
            aria-label={t("history.files.preview", { name })}
          >
            {name}
          </UnstyledButton>
        ) : (
          <Text span>{name}</Text>
        )}
        {entry.size !== null && (
          <Text size="xs" c="dimmed" hiddenFrom="sm">
            {bytes(entry.size)}
          </Text>
        )}
        {entry.target !== null && (
          <Text size="xs" c="dimmed">
            {t("history.files.target", { target: entry.target })}
          </Text>
        )}
        {entry.withheld && (
          <Text size="xs" c="dimmed">
            {t("history.files.withheld")}
          </Text>
        )}
      </div>
    </Group>
  );
}
