/** The details of a job. */

import { Code } from "@mantine/core";

import type { Schemas } from "../../../api/client";
import { label, number, t } from "../../../i18n";
import { bytes, duration, dateTime } from "../../../components/format";
import { FactList, Section } from "../../../components/Section";

function rateOf({ backup_size: size, duration_seconds: seconds }: Schemas["JobDetail"]): string {
  return size && seconds ? t("common.rate", { rate: bytes(size / seconds) }) : "";
}

export function JobFacts({ job }: { job: Schemas["JobDetail"] }) {
  const how = label("trigger", job.trigger);
  const amount = (value: number | null) => (value === null ? "" : number(value));
  const time = (value: string | null) => value && dateTime(value);
  const { settings } = job;
  return (
    <Section title={t("history.page.facts")}>
      <FactList
        facts={[
          [
            t("history.page.triggeredBy"),
            job.triggered_by ? t("history.page.triggeredHow", { how, who: job.triggered_by }) : how,
          ],
          [t("history.page.slot"), time(job.slot)],
          [t("history.page.asked"), time(job.queued_at)],
          [t("history.page.started"), time(job.started_at)],
          [t("history.page.completed"), time(job.completed_at)],
          [t("history.page.took"), job.duration_seconds === null ? "" : duration(job.duration_seconds)],
          [t("history.page.rate"), rateOf(job)],
          [t("history.page.read"), job.backup_size === null ? "" : bytes(job.backup_size)],
          [t("history.page.storedNew"), job.stored_size === null ? "" : bytes(job.stored_size)],
          [t("history.page.newFiles"), amount(job.new_files)],
          [t("history.page.changedFiles"), amount(job.changed_files)],
          [t("history.page.unchangedFiles"), amount(job.unchanged_files)],
          [t("history.page.place"), settings.storage_path || t("history.page.mainPlace")],
          [
            t("history.page.how"),
            [
              t(settings.encryption ? "history.page.encrypted" : "history.page.notEncrypted"),
              t(settings.compression ? "history.page.compressed" : "history.page.notCompressed"),
            ].join(", "),
          ],
          [t("history.page.worker"), job.worker],
          [t("history.page.attempt"), job.attempt > 1 ? amount(job.attempt) : ""],
          [t("history.page.snapshot"), job.snapshot_id && <Code>{job.snapshot_id.slice(0, 16)}</Code>],
          [t("history.page.package"), job.backup_file_path && <Code>{job.backup_file_path}</Code>],
          [t("history.page.checksum"), job.checksum && <Code>{job.checksum}</Code>],
        ]}
      />
    </Section>
  );
}
