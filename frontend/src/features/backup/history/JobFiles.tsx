/** The files of a backup. The folder and the search stand in the address. */

import { Anchor, Breadcrumbs, Button, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type SubmitEvent, useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { filesQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { EmptyState, ErrorAlert, LoadingOrError } from "../../../components/states";
import { DownloadButton } from "./DownloadButton";
import { FileList, folderPath } from "./FileList";
import { Preview } from "./FilePreview";

type Job = Schemas["JobDetail"];

export default function JobFiles({ job }: { job: Job }) {
  const [params] = useSearchParams();
  const path = params.get("path") ?? "";
  const search = params.get("search") ?? "";
  return (
    <Stack>
      <div>
        <Anchor component={Link} to={`../history/${job.uuid}`} size="sm">
          ← {t("history.files.back")}
        </Anchor>
        <Title order={2} style={{ overflowWrap: "anywhere" }}>
          {t("history.files.title", { name: job.job_name })}
        </Title>
      </div>
      {job.has_backup ? (
        <>
          <FolderPath job={job.uuid} path={path} />
          <SearchForm job={job.uuid} path={path} search={search} />
          <Entries job={job.uuid} path={path} search={search} />
        </>
      ) : (
        <EmptyState title={t("history.files.noFiles")} />
      )}
    </Stack>
  );
}

function FolderPath({ job, path }: { job: string; path: string }) {
  const parts = path.split("/").filter(Boolean);
  const steps = [t("history.files.root"), ...parts];
  return (
    <Group justify="space-between">
      <nav aria-label={t("history.files.breadcrumbs")}>
        <Breadcrumbs style={{ flexWrap: "wrap" }}>
          {steps.map((name, depth) =>
            depth === steps.length - 1 ? (
              <Text key={depth} aria-current="page" fw={500}>
                {name}
              </Text>
            ) : (
              <Anchor key={depth} component={Link} to={folderPath(job, parts.slice(0, depth).join("/"))}>
                {name}
              </Anchor>
            ),
          )}
        </Breadcrumbs>
      </nav>
      {path && <DownloadButton job={job} path={path} text={t("history.files.downloadFolder")} />}
    </Group>
  );
}

function SearchForm({ job, path, search }: { job: string; path: string; search: string }) {
  const [, setParams] = useSearchParams();
  const [text, setText] = useState(search);
  // The address changed: the user went back, or opened another folder.
  useEffect(() => setText(search), [path, search]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setParams({ ...(path && { path }), ...(text && { search: text }) });
  };
  return (
    <form role="search" onSubmit={submit}>
      <Group align="end" gap="xs">
        <TextInput
          type="search"
          label={t("history.files.search")}
          placeholder={t("history.files.searchHint")}
          maxLength={100}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          style={{ flex: "1 1 14rem", maxWidth: "28rem" }}
        />
        <Button type="submit" variant="default">
          {t("history.files.searchDo")}
        </Button>
        {search && (
          <Button component={Link} to={folderPath(job, path)} variant="subtle">
            {t("history.files.clear")}
          </Button>
        )}
      </Group>
      <Text fw={500} mt={search ? "md" : 0} role="status">
        {search && t("history.files.found", { search })}
      </Text>
    </form>
  );
}

function Entries({ job, path, search }: { job: string; path: string; search: string }) {
  const [shown, setShown] = useState<Schemas["Entry"] | null>(null);
  const pages = useInfiniteQuery(filesQuery(useApi(), job, path, search));
  useEffect(() => setShown(null), [path, search]);
  if (pages.data === undefined) {
    return <LoadingOrError query={pages} />;
  }
  const entries = pages.data.pages.flatMap((page) => page.results);
  const cut = pages.data.pages.at(-1)?.cut_off;
  return (
    <Stack gap="sm">
      {entries.length === 0 ? (
        <EmptyState title={t(search ? "history.files.noneFound" : "history.files.empty")}>
          {search && (
            <Text c="dimmed" maw="40rem" ta="center">
              {t("history.files.noneFoundText")}
            </Text>
          )}
        </EmptyState>
      ) : (
        <FileList job={job} entries={entries} full={search !== ""} onPreview={setShown} />
      )}
      {cut && <Text role="status">{t(cut === "time" ? "history.files.cutTime" : "history.files.cutLimit")}</Text>}
      {pages.error && <ErrorAlert error={pages.error} onRetry={() => void pages.fetchNextPage()} />}
      {pages.hasNextPage && (
        <Group justify="center">
          <ActionButton variant="default" pending={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t("history.files.more")}
          </ActionButton>
        </Group>
      )}
      <Preview job={job} entry={shown} onClose={() => setShown(null)} />
    </Stack>
  );
}
