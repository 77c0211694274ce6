/** The state of a job: its progress, its error, and whether its backup was removed. */

import { Alert, Stack, Text } from "@mantine/core";

import type { Schemas } from "../../../api/client";
import { label, t, type TextKey } from "../../../i18n";
import { dateTime } from "../../../components/format";
import { ProgressView } from "../../../components/ProgressView";

type Job = Schemas["JobDetail"];

const ENDS: Partial<Record<Job["status"], [string, TextKey]>> = {
  FAILED: ["red", "history.page.failedTitle"],
  TIMEOUT: ["red", "history.page.timeoutTitle"],
  INCOMPLETE: ["yellow", "history.page.incompleteTitle"],
  MISSED: ["yellow", "history.page.missedTitle"],
  CANCELLED: ["gray", "history.page.cancelledTitle"],
};

/** Return whether the job has ended without a complete backup. */
export function hasFailed(job: Pick<Job, "status">): boolean {
  return ENDS[job.status] !== undefined;
}

export function JobOutcome({ job }: { job: Job }) {
  return (
    <Stack gap="xs">
      <EndNotice job={job} />
      {job.status === "RUNNING" && (
        <Alert color="blue" title={label("jobStatus", job.status)} role="status">
          {job.progress ? <ProgressView progress={job.progress} /> : null}
          {job.cancel_requested_at && <Text size="sm">{t("history.page.cancelling")}</Text>}
        </Alert>
      )}
      {job.status === "PENDING" && (
        <Alert color="blue" title={label("jobStatus", job.status)}>
          <Text size="sm">{t("history.waiting", { time: dateTime(job.queued_at) })}</Text>
          <Text size="sm">
            {job.not_before
              ? t("history.page.triesAgain", { time: dateTime(job.not_before) })
              : t("history.page.pendingText")}
          </Text>
        </Alert>
      )}
      {job.removal_started_at && (
        <Alert color="gray" title={t(job.removed_at ? "history.page.removedTitle" : "history.page.removingTitle")}>
          {t("history.page.removedText", {
            time: dateTime(job.removed_at ?? job.removal_started_at),
            reason: job.removal_reason,
          })}
        </Alert>
      )}
      {job.has_backup && !job.is_in_storage && (
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {t("history.page.elsewhere", { path: job.backup_file_path })}
        </Text>
      )}
      {job.is_pinned && (
        <Text size="sm">
          {job.pin_reason
            ? t("history.page.pinnedBecause", { reason: job.pin_reason })
            : t("history.page.pinnedNoReason")}
        </Text>
      )}
    </Stack>
  );
}

function EndNotice({ job }: { job: Job }) {
  const [colour, usual] = ENDS[job.status] ?? ["gray", "history.page.endedTitle" as const];
  // The rest is gone, too.
  const title = job.status === "INCOMPLETE" && !job.has_backup ? "history.page.incompleteGoneTitle" : usual;
  const problems = job.problem_count > 0 ? t("history.problems", { count: job.problem_count }) : "";
  if (!ENDS[job.status] && !job.error_message) {
    return null;
  }
  return (
    <Alert color={colour} title={t(title)} role={colour === "red" ? "alert" : "note"}>
      {[job.error_message, problems].filter(Boolean).map((text) => (
        <Text key={text} size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {text}
        </Text>
      ))}
    </Alert>
  );
}
