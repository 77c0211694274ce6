/** The log of a job, with the time that each entry took. */

import { Text } from "@mantine/core";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { timeOfDay, duration, dateTime } from "../../../components/format";
import { Section } from "../../../components/Section";

export function JobLog({ job }: { job: Schemas["JobDetail"] }) {
  return (
    <Section title={t("history.page.log")}>
      {job.log.length === 0 && <Text c="dimmed">{t("history.page.noLog")}</Text>}
      <ol style={{ listStyle: "none", margin: 0, padding: 0 }}>
        {job.log.map((line, index) => (
          <li
            key={`${index} ${line.at}`}
            style={{ display: "grid", gridTemplateColumns: "6.5rem 1fr auto", gap: 8, padding: "3px 0" }}
          >
            <Text size="sm" c="dimmed" title={dateTime(line.at)}>
              <time dateTime={line.at}>{timeOfDay(new Date(line.at))}</time>
            </Text>
            <Text size="sm" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
              {line.text}
            </Text>
            <Text size="sm" c="dimmed">
              {took(job, index)}
            </Text>
          </li>
        ))}
      </ol>
    </Section>
  );
}

/**
 * Return the time until the next entry. Entries have whole seconds, so less than one is not shown, nor the time after
 * the end.
 */
function took({ log, completed_at: end }: Schemas["JobDetail"], index: number): string {
  const [line, next] = [log[index], log[index + 1]];
  if (!line || !next || (end !== null && Date.parse(next.at) > Date.parse(end))) {
    return "";
  }
  const seconds = (Date.parse(next.at) - Date.parse(line.at)) / 1000;
  return seconds >= 1 ? duration(seconds) : "";
}
