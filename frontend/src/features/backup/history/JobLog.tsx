/** The log of a job: a time line of its steps, and the entries with the time that each took. */

import { Button, Group, Progress, Switch, Text, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import type { Schemas } from "../../../api/client";
import { dateTime, duration, timeOfDay } from "../../../components/format";
import { saveText } from "../../../components/saveText";
import { Section } from "../../../components/Section";
import { t } from "../../../i18n";
import classes from "./History.module.css";

type Job = Schemas["JobDetail"];

interface Line {
  at: string;
  text: string;
  /** Until the next entry; entries have whole seconds. Null for the last one. */
  seconds: number | null;
}

/** From this number of entries on, a filter helps. */
const MANY = 8;
const COLOURS = ["indigo.6", "teal.6", "orange.6", "grape.6", "cyan.7", "lime.7"];

function linesOf({ log, completed_at: end }: Job): Line[] {
  return log.map((line, index) => {
    const next = log[index + 1];
    // An entry after the end took no time of the job.
    const isWithin = next && (end === null || Date.parse(next.at) <= Date.parse(end));
    return { ...line, seconds: isWithin ? (Date.parse(next.at) - Date.parse(line.at)) / 1000 : null };
  });
}

export function JobLog({ job }: { job: Job }) {
  const [wanted, setWanted] = useState("");
  const [follows, setFollows] = useState(true);
  const lines = linesOf(job);
  const shown = lines.filter((one) => one.text.toLocaleLowerCase().includes(wanted.toLocaleLowerCase()));
  const isRunning = job.status === "RUNNING";
  return (
    <Section title={t("history.page.log")}>
      {lines.length === 0 && <Text c="dimmed">{t("history.page.noLog")}</Text>}
      <TimeLine lines={lines} />
      {(lines.length >= MANY || isRunning) && (
        <Group gap="sm" mb="xs">
          <TextInput
            size="xs"
            aria-label={t("history.page.logFilter")}
            placeholder={t("history.page.logFilter")}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
          />
          {isRunning && (
            <Switch
              size="xs"
              label={t("history.page.logFollow")}
              checked={follows}
              onChange={(event) => setFollows(event.currentTarget.checked)}
            />
          )}
        </Group>
      )}
      <Entries lines={shown} follows={isRunning && follows} />
      {lines.length > 0 && <DownloadLog job={job} />}
    </Section>
  );
}

/** The steps that took a second or more, as long as their share of the whole. */
function TimeLine({ lines }: { lines: Line[] }) {
  const steps = lines.filter((one): one is Line & { seconds: number } => (one.seconds ?? 0) >= 1);
  const total = steps.reduce((sum, one) => sum + one.seconds, 0);
  if (steps.length < 2) {
    return null;
  }
  const said = steps.map((one) => `${one.text} ${duration(one.seconds)}`).join(" ");
  return (
    <Progress.Root size="lg" mb="xs" role="img" aria-label={`${t("history.page.steps")}: ${said}`}>
      {steps.map((one, index) => (
        <Progress.Section
          key={`${index} ${one.at}`}
          value={(one.seconds / total) * 100}
          color={COLOURS[index % COLOURS.length] ?? "gray"}
          withAria={false}
          title={`${one.text} ${duration(one.seconds)}`}
        />
      ))}
    </Progress.Root>
  );
}

function Entries({ lines, follows }: { lines: Line[]; follows: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const count = lines.length;
  useEffect(() => {
    if (follows && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [follows, count]);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the box scrolls, so the keyboard must reach it
    <div ref={box} className={classes["log"]} tabIndex={0} role="log" aria-label={t("history.page.log")}>
      <ol>
        {lines.map((line, index) => (
          <li key={`${index} ${line.at}`}>
            <Text size="sm" c="dimmed" title={dateTime(line.at)}>
              <time dateTime={line.at}>{timeOfDay(new Date(line.at))}</time>
            </Text>
            <Text size="sm" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
              {line.text}
            </Text>
            <Text size="sm" c="dimmed">
              {line.seconds !== null && line.seconds >= 1 && duration(line.seconds)}
            </Text>
          </li>
        ))}
      </ol>
    </div>
  );
}

function DownloadLog({ job }: { job: Job }) {
  const save = () => {
    saveText(`${job.job_name}.log`, job.log.map((line) => `${line.at} ${line.text}\n`).join(""));
  };
  return (
    <Button size="compact-sm" variant="subtle" mt="xs" onClick={save}>
      {t("history.page.logDownload")}
    </Button>
  );
}
