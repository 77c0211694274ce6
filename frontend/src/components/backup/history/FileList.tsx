/** What lies in a folder of a backup, or what a search has found. */

import { Anchor, Button, Group, Table, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApiUrl } from "../../../api/context";
import { t } from "../../../i18n";
import { bytes, moment } from "../common/format";

type Entry = Schemas["Entry"];

const MARKS: Record<Entry["kind"], string> = { folder: "📁", file: "📄", link: "↪", special: "◆" };

/** The address of a folder of a backup. */
export function placeOf(job: string, path: string): string {
  return `../history/${job}/files${path ? `?path=${encodeURIComponent(path)}` : ""}`;
}

/** The address of the bytes of something in a backup. */
export function bytesOf(job: string, path: string): string {
  return `/jobs/${job}/download/?path=${encodeURIComponent(path)}`;
}

export function DownloadLink({ job, path, text, name }: { job: string; path: string; text: string; name?: string }) {
  const url = useApiUrl();
  return (
    <Button
      component="a"
      href={url(bytesOf(job, path))}
      download
      size="compact-sm"
      variant="default"
      {...(name ? { "aria-label": t("history.files.downloadThis", { name }) } : {})}
    >
      {text}
    </Button>
  );
}

interface Props {
  job: string;
  entries: Entry[];
  /** Whether to show where each lies, too. */
  full: boolean;
  onPreview: (entry: Entry) => void;
}

export function FileList({ job, entries, full, onPreview }: Props) {
  return (
    <Table highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{t("history.files.name")}</Table.Th>
          <Table.Th scope="col" ta="right">
            {t("history.files.size")}
          </Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            {t("history.files.modified")}
          </Table.Th>
          <Table.Th scope="col" ta="right">
            <VisuallyHidden>{t("history.files.actions")}</VisuallyHidden>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map((entry) => (
          <Table.Tr key={entry.path}>
            <Table.Td>
              <Name job={job} entry={entry} full={full} onPreview={onPreview} />
            </Table.Td>
            <Table.Td ta="right" style={{ whiteSpace: "nowrap" }}>
              {entry.size === null ? "" : bytes(entry.size)}
            </Table.Td>
            <Table.Td visibleFrom="sm" style={{ whiteSpace: "nowrap" }}>
              {entry.modified_at && moment(entry.modified_at)}
            </Table.Td>
            <Table.Td ta="right">
              {(entry.kind === "file" || entry.kind === "folder") && !entry.withheld && (
                <DownloadLink
                  job={job}
                  path={entry.path}
                  text={t("history.files.downloadShort")}
                  name={entry.name}
                />
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Name({ job, entry, full, onPreview }: Omit<Props, "entries"> & { entry: Entry }) {
  const name = full ? entry.path : entry.name;
  return (
    <Group gap={6} wrap="nowrap" align="start">
      <span aria-hidden>{MARKS[entry.kind]}</span>
      <VisuallyHidden>{t(`history.files.kinds.${entry.kind}`)}</VisuallyHidden>
      <div style={{ overflowWrap: "anywhere" }}>
        {entry.kind === "folder" ? (
          <Anchor component={Link} to={placeOf(job, entry.path)}>
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
