/**
 * The files of a backup as a tree with checkboxes. A folder is read when it is opened, and a large one in pages, so that
 * the size of the backup does not matter.
 */

import { ActionIcon, Button, Checkbox, Group, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import ChevronDown from "lucide-react/icons/chevron-down";
import ChevronRight from "lucide-react/icons/chevron-right";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { filesQuery } from "../../../api/queries";
import { bytes } from "../../../components/format";
import { LoadingOrError } from "../../../components/states";
import { t } from "../../../i18n";
import classes from "./FileTree.module.css";

type Entry = Schemas["Entry"];

interface FileTreeProps {
  job: string;
  /** The paths of the selected files and folders. */
  selected: string[];
  onChange: (selected: string[]) => void;
}

const isBelow = (path: string, folder: string) => path.startsWith(`${folder}/`);

/** Return the selection with a path added or removed. A folder stands for everything below it. */
export function toggled(selected: string[], path: string): string[] {
  return selected.includes(path)
    ? selected.filter((one) => one !== path)
    : [...selected.filter((one) => !isBelow(one, path)), path];
}

export function FileTree(props: FileTreeProps) {
  return (
    <div className={classes["box"]} role="group" aria-label={t("restore.tree.label")}>
      <Folder {...props} path="" />
    </div>
  );
}

function Folder({ path, ...tree }: FileTreeProps & { path: string }) {
  const query = useInfiniteQuery(filesQuery(useApi(), tree.job, path, ""));
  if (query.data === undefined) {
    return <LoadingOrError query={query} />;
  }
  const entries = query.data.pages.flatMap((page) => page.results);
  return (
    <>
      <ul className={classes["entries"]}>
        {entries.map((entry) => (
          <li key={entry.path}>
            <Row entry={entry} {...tree} />
          </li>
        ))}
      </ul>
      {entries.length === 0 && (
        <Text size="sm" c="dimmed" pl="xl">
          {t("history.files.empty")}
        </Text>
      )}
      {query.hasNextPage && (
        <Button
          variant="subtle"
          size="compact-sm"
          aria-busy={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {t("common.more")}
        </Button>
      )}
    </>
  );
}

function Row({ entry, ...tree }: FileTreeProps & { entry: Entry }) {
  const { selected, onChange } = tree;
  const isFolder = entry.kind === "folder";
  const [isOpen, setOpen] = useState(() => selected.some((one) => isBelow(one, entry.path)));
  const isWithin = selected.some((one) => isBelow(entry.path, one));
  const isChecked = isWithin || selected.includes(entry.path);
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  return (
    <>
      <Group gap={6} wrap="nowrap" className={classes["row"] ?? ""}>
        {isFolder ? (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-expanded={isOpen}
            aria-label={t("restore.tree.open", { name: entry.name })}
            onClick={() => setOpen(!isOpen)}
          >
            <Chevron size={16} aria-hidden />
          </ActionIcon>
        ) : (
          <span className={classes["space"]} />
        )}
        <Checkbox
          size="sm"
          label={isFolder ? `${entry.name}/` : entry.name}
          checked={isChecked}
          indeterminate={!isChecked && selected.some((one) => isBelow(one, entry.path))}
          // A selected folder includes its content. Settings and secrets are never restored here.
          disabled={isWithin || entry.withheld}
          onChange={() => onChange(toggled(selected, entry.path))}
          styles={{ label: { overflowWrap: "anywhere" } }}
        />
        {entry.size !== null && (
          <Text size="xs" c="dimmed" className={classes["size"] ?? ""}>
            {bytes(entry.size)}
          </Text>
        )}
      </Group>
      {isFolder && isOpen && <Folder {...tree} path={entry.path} />}
    </>
  );
}
