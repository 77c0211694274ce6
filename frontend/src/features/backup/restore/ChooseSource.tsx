/** The first step: a stored backup, or a package of another system. */

import { Alert, Box, Button, Card, Group, SegmentedControl, Stack, Text, Title, VisuallyHidden } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { jobPages, suggestionQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { TrustBadge, ValueBadge } from "../../../components/badges";
import { bytes, calendarDate, dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { SearchField } from "../../../components/SearchField";
import { EmptyState, Loaded } from "../../../components/states";
import { PagedList } from "../../../components/table/PagedList";
import { useUrlFilters } from "../../../components/urlFilters";
import { Upload } from "./PackageUpload";

type Job = Schemas["Job"];

/** Return the start of the job, because its data is of that time. */
const takenAt = (job: Job) => job.started_at ?? job.queued_at;

export function ChooseSource() {
  const [params, setParams] = useSearchParams();
  const from = params.get("from") === "file" ? "file" : "stored";
  return (
    <Stack>
      <Title order={3}>{t("restore.source.title")}</Title>
      <SegmentedControl
        aria-label={t("restore.source.title")}
        value={from}
        onChange={(value) => setParams(value === "file" ? { from: "file" } : {})}
        data={[
          { value: "stored", label: t("restore.source.stored") },
          { value: "file", label: t("restore.source.upload") },
        ]}
        style={{ alignSelf: "flex-start", maxWidth: "100%" }}
        styles={{ control: { flex: "1 1 auto" }, label: { whiteSpace: "normal" } }}
      />
      {from === "file" ? <Upload /> : <StoredBackups />}
    </Stack>
  );
}

function StoredBackups() {
  const { params, setFilter } = useUrlFilters();
  const asked = params.get("q") ?? "";
  const wanted = { has_backup: true, ordering: "-queued_at", limit: 30, ...(asked && { search: asked }) } as const;
  const query = useInfiniteQuery(jobPages(useApi(), wanted));
  // Asked for at once, although it is shown with the list: an answer after the list would push the list down.
  useQuery(suggestionQuery(useApi()));
  return (
    // While the list loads, it takes the room that it will need: what follows must not move.
    <Stack mih={query.isPending ? "75vh" : undefined}>
      <SearchField
        label={t("restore.source.search")}
        value={asked}
        onChange={(text) => setFilter("q", text)}
        maw="24rem"
      />
      <PagedList query={query} empty={asked ? <Text>{t("restore.source.emptySearch")}</Text> : <NoBackups />}>
        {(jobs) => (
          <>
            {!asked && <SuggestedBackup />}
            <Timeline jobs={jobs} />
          </>
        )}
      </PagedList>
    </Stack>
  );
}

function NoBackups() {
  const base = useConsolePath();
  return (
    <EmptyState title={t("restore.source.emptyTitle")} order={4}>
      <Text>{t("restore.source.emptyText")}</Text>
      <Group gap="xs" justify="center">
        <Button component={Link} to={`${base}/configurations`} variant="default">
          {t("overview.freshness.toConfigurations")}
        </Button>
        <Button component={Link} to={`${base}/restore?from=file`} variant="default">
          {t("restore.source.upload")}
        </Button>
      </Group>
    </EmptyState>
  );
}

/** The backup that the server means by `latest`, with the backups it passed over. */
function SuggestedBackup() {
  const suggestion = useQuery(suggestionQuery(useApi()));
  return (
    <Box mih="8rem">
      <Loaded query={suggestion}>{(found) => <SuggestedBackupCard suggestion={found} />}</Loaded>
    </Box>
  );
}

function SuggestedBackupCard({ suggestion }: { suggestion: Schemas["Suggestion"] }) {
  const base = useConsolePath();
  const ago = useRelativeTime();
  const { job, is_whole: isWhole, notes } = suggestion;
  if (!job) {
    return (
      <Alert color="red">
        {t("restore.source.noGood")} {notes.join(" ")}
      </Alert>
    );
  }
  return (
    <Card withBorder>
      <Group justify="space-between">
        <div>
          <Group gap="xs">
            <Text fw={700}>{t("restore.source.suggested")}</Text>
            <TrustBadge job={job} />
          </Group>
          <Text>
            {t(isWhole ? "restore.source.suggestedText" : "restore.source.suggestedPart", {
              kind: label("backupType", job.backup_type),
              ago: ago(takenAt(job)),
            })}
          </Text>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {job.job_name}, {dateTime(takenAt(job))}
          </Text>
          {notes.map((note) => (
            <Text key={note} size="sm" style={{ overflowWrap: "anywhere" }}>
              {note}
            </Text>
          ))}
        </div>
        <Button component={Link} to={`${base}/restore?backup=${job.uuid}`}>
          {t("restore.source.useIt")}
        </Button>
      </Group>
    </Card>
  );
}

/** The stored backups by day, newest first. */
function Timeline({ jobs }: { jobs: Job[] }) {
  const byDay = new Map<string, Job[]>();
  for (const job of jobs) {
    const date = calendarDate(takenAt(job));
    byDay.set(date, [...(byDay.get(date) ?? []), job]);
  }
  return (
    <Stack component="section" aria-label={t("restore.source.searchTitle")}>
      {[...byDay].map(([date, those]) => (
        <div key={date}>
          <Title order={4} size="h6" mb={4}>
            {date}
          </Title>
          <Stack component="ol" gap="xs" m={0} p={0} style={{ listStyle: "none" }}>
            {those.map((job) => (
              <li key={job.uuid}>
                <Moment job={job} />
              </li>
            ))}
          </Stack>
        </div>
      ))}
    </Stack>
  );
}

function Moment({ job }: { job: Job }) {
  const base = useConsolePath();
  const facts = [
    label("backupType", job.backup_type),
    job.trigger === "PRE_RESTORE" ? label("trigger", job.trigger) : "",
    job.backup_size === null ? "" : t("restore.source.size", { size: bytes(job.backup_size) }),
    job.problem_count > 0 ? t("restore.source.warnings", { count: job.problem_count }) : "",
    job.is_pinned ? t("restore.source.pinned") : "",
  ].filter(Boolean);
  const doubt = job.trust === "DAMAGED" ? "damaged" : job.status === "COMPLETED" ? null : "incomplete";
  return (
    <Card
      withBorder
      p="sm"
      component={Link}
      to={`${base}/restore?backup=${job.uuid}`}
      className="mantine-focus-auto"
      style={{ color: "inherit" }}
    >
      <Group justify="space-between" gap="xs">
        <div style={{ minWidth: 0 }}>
          <VisuallyHidden>{t("restore.source.choose")}</VisuallyHidden>
          <Text fw={600} style={{ overflowWrap: "anywhere" }}>
            {dateTime(takenAt(job))}
          </Text>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {job.job_name}
          </Text>
        </div>
        <Group gap="xs">
          <Text size="sm">{facts.join(", ")}</Text>
          {job.status !== "COMPLETED" && <ValueBadge group="jobStatus" value={job.status} />}
          <TrustBadge job={job} />
        </Group>
      </Group>
      {doubt && (
        <Text size="sm" mt={4}>
          {t(`restore.source.${doubt}`)}
        </Text>
      )}
    </Card>
  );
}
