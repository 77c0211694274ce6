/** Warnings and unreadable files. */

import { Button, Group, List, Text } from "@mantine/core";
import { useState } from "react";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { Acknowledge } from "../Acknowledge";
import { dateTime } from "../../../components/format";
import { Section } from "../../../components/Section";

const FIRST = 20;

const COLUMNS: Column<Schemas["JobDetail"]["problems"][number]>[] = [
  { header: "history.page.path", wrap: "anywhere", cell: (one) => one.path },
  { header: "history.page.reason", cell: (one) => one.reason },
];

export function JobProblems({ job }: { job: Schemas["JobDetail"] }) {
  return (
    <>
      {job.warnings.length > 0 && <Warnings texts={job.warnings} />}
      {job.problem_count > 0 && <UnreadableFiles job={job} />}
    </>
  );
}

/** Return each text once, with the number of its repetitions. */
function grouped(texts: string[]): string[] {
  const counts = new Map<string, number>();
  texts.forEach((text) => counts.set(text, (counts.get(text) ?? 0) + 1));
  return [...counts].map(([text, count]) => (count > 1 ? t("history.page.repeated", { count, text }) : text));
}

function Warnings({ texts: single }: { texts: string[] }) {
  const [all, setAll] = useState(false);
  const texts = grouped(single);
  const shown = all ? texts : texts.slice(0, FIRST);
  return (
    <Section title={t("history.page.warnings")}>
      <List size="sm">
        {shown.map((text, index) => (
          <List.Item key={`${index} ${text}`} style={{ overflowWrap: "anywhere" }}>
            {text}
          </List.Item>
        ))}
      </List>
      <ShowMore shown={shown.length} there={texts.length} count={texts.length} onMore={() => setAll(true)} />
    </Section>
  );
}

interface ShowMoreProps {
  shown: number;
  /** How many can be shown, and the total. */
  there: number;
  count: number;
  onMore: () => void;
}

function ShowMore({ shown, there, count, onMore }: ShowMoreProps) {
  return (
    <>
      {shown < count && (
        <Text size="sm" c="dimmed" mt="xs">
          {t("history.page.problemsShown", { shown, count })}
        </Text>
      )}
      {shown < there && (
        <Button size="xs" variant="default" mt="xs" onClick={onMore}>
          {t("common.more")}
        </Button>
      )}
    </>
  );
}

function UnreadableFiles({ job }: { job: Schemas["JobDetail"] }) {
  const { problems, problem_count: count } = job;
  const [all, setAll] = useState(false);
  const shown = all ? problems : problems.slice(0, FIRST);
  return (
    <Section title={t("history.page.problems")}>
      {job.status === "INCOMPLETE" && <AcknowledgeProblems job={job} />}
      <DataTable columns={COLUMNS} rows={shown} rowKey={(one, index) => `${index} ${one.path}`} fontSize="sm" />
      <ShowMore shown={shown.length} there={problems.length} count={count} onMore={() => setAll(true)} />
    </Section>
  );
}

/** The end of the acknowledgement, or the button to acknowledge all problems. */
function AcknowledgeProblems({ job }: { job: Schemas["JobDetail"] }) {
  if (job.accepted_until) {
    return <Text size="sm">{t("history.page.acknowledged", { time: dateTime(job.accepted_until) })}</Text>;
  }
  return (
    <Group mb="xs">
      <Acknowledge
        named={{ job: job.uuid }}
        text={t("history.page.acknowledgeText", { count: job.problem_count, name: job.job_name })}
      />
    </Group>
  );
}
