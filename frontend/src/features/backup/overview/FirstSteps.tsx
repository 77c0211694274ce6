/** The way of a new system to its first verified backup, each step with its state and a button. */

import { Anchor, Box, Button, Group, List, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { findingsQuery, installationQuery, repositoriesQuery } from "../../../api/queries";
import { ActionButton } from "../../../components/ActionButton";
import { ValueBadge } from "../../../components/badges";
import { recall, remember } from "../../../components/preferences";
import { saveText } from "../../../components/saveText";
import { Section } from "../../../components/Section";
import { t } from "../../../i18n";
import { useToggleSchedule } from "../configurations/mutations";
import type { Configuration } from "../configurations/formValues";
import { useConsolePath } from "../consolePath";
import { Allowed } from "../permissions";
import { BackUpNow } from "./BackUpNow";
import { recoveryKit } from "./recoveryKit";
import { CommandText } from "./CommandText";
import { scheduleToEnable, type VerifiedJob, verifiedJob, wholeConfiguration } from "./firstSteps";

/** The server cannot know where the passphrase is kept: this browser notes what the user says. */
const KEPT = "edms-backup-passphrase-kept";
const PASSPHRASE_FINDINGS = new Set(["backup.W002", "backup.W028"]);

interface Props {
  status: Schemas["Status"];
  configurations: Configuration[];
}

/** Shown to a system without a verified backup, and then until the user leaves the page, so that the end is seen. */
export function FirstSteps({ status, configurations }: Props) {
  const verified = verifiedJob(status, configurations);
  const [isShown, setShown] = useState(!verified);
  if (!isShown && !verified) {
    setShown(true);
  }
  if (!isShown) {
    return null;
  }
  return (
    <Section title={t("overview.firstSteps.title")}>
      <Stack component="ol" gap="md" p={0} m={0} style={{ listStyle: "none" }}>
        <PassphraseStep />
        <BackUpStep status={status} configurations={configurations} verified={verified} />
        <VerifiedStep status={status} verified={verified} />
        <ScheduleStep status={status} configurations={configurations} />
      </Stack>
    </Section>
  );
}

interface StepProps {
  number: number;
  title: string;
  isDone: boolean;
  /** The explanation. */
  children: ReactNode;
  action?: ReactNode;
}

function Step({ number, title, isDone, children, action }: StepProps) {
  return (
    <Group component="li" align="flex-start" wrap="nowrap" gap="sm">
      <Text aria-hidden fw={700} w="1.5rem" ta="center" c={isDone ? "green" : "dimmed"}>
        {isDone ? "✓" : number}
      </Text>
      <Group justify="space-between" gap="xs" style={{ flex: 1, minWidth: 0 }}>
        <Box style={{ flex: "1 1 20rem", minWidth: 0, overflowWrap: "anywhere" }}>
          <Text fw={500}>
            <VisuallyHidden>{t(`overview.firstSteps.${isDone ? "done" : "open"}`, { number })} </VisuallyHidden>
            {title}
          </Text>
          <Text size="sm" component="div">
            {children}
          </Text>
        </Box>
        {action}
      </Group>
    </Group>
  );
}

/** Saves the recovery kit, to print it and to write the passphrase on it. */
function RecoveryKitButton() {
  const api = useApi();
  const installation = useQuery(installationQuery(api)).data;
  const repositories = useQuery(repositoriesQuery(api)).data?.repositories;
  return (
    installation &&
    repositories && (
      <Button
        size="xs"
        onClick={() => saveText("recovery-kit.txt", recoveryKit(installation, repositories, new Date()))}
      >
        {t("overview.firstSteps.kit")}
      </Button>
    )
  );
}

function PassphraseStep() {
  const findings = useQuery(findingsQuery(useApi())).data?.findings;
  const [isKept, setKept] = useState(() => recall(KEPT) !== null);
  const problem = findings?.find((one) => PASSPHRASE_FINDINGS.has(one.id));
  const keep = () => {
    remember(KEPT, "yes");
    setKept(true);
  };
  const isDone = isKept && !problem;
  const confirm = (
    <Group gap="xs">
      <RecoveryKitButton />
      <Button variant="default" size="xs" onClick={keep}>
        {t("overview.firstSteps.kept")}
      </Button>
    </Group>
  );
  return (
    <Step
      number={1}
      title={t("overview.firstSteps.passphrase")}
      isDone={isDone}
      action={!isDone && !problem && confirm}
    >
      <CommandText
        text={
          problem ? `${problem.what} ${problem.hint}` : t(`overview.firstSteps.passphrase${isDone ? "Kept" : "Text"}`)
        }
      />
    </Step>
  );
}

function BackUpStep({ status, configurations, verified }: Props & { verified: VerifiedJob | undefined }) {
  const target = wholeConfiguration(configurations);
  const isDone = verified !== undefined || status.successful_backups > 0;
  return (
    <Step
      number={2}
      title={t("overview.firstSteps.backUp")}
      isDone={isDone}
      action={!isDone && <BackUpNow configuration={target} />}
    >
      {target ? t("overview.firstSteps.runs", { name: target.name }) : t("overview.firstSteps.noWhole")}
    </Step>
  );
}

function VerifiedStep({ status, verified }: { status: Schemas["Status"]; verified: VerifiedJob | undefined }) {
  const base = useConsolePath();
  const job = verified ?? status.running_jobs[0] ?? status.waiting_jobs[0];
  return (
    <Step
      number={3}
      title={t("overview.firstSteps.verify")}
      isDone={verified !== undefined}
      action={
        job && (
          <Button component={Link} to={`${base}/history/${job.uuid}`} variant="default" size="xs">
            {t("overview.firstSteps.openJob")}
          </Button>
        )
      }
    >
      {verified ? (
        <>
          <ValueBadge group="trust" value={verified.trust} /> {verified.job_name}
        </>
      ) : (
        t("overview.firstSteps.verifyText")
      )}
    </Step>
  );
}

function ScheduleStep({ status, configurations }: Props) {
  const base = useConsolePath();
  const scheduled = status.freshness.length;
  const target = scheduleToEnable(configurations);
  const open = (
    <Button component={Link} to={`${base}/configurations`} variant="default" size="xs">
      {t("overview.freshness.toConfigurations")}
    </Button>
  );
  return (
    <Step
      number={4}
      title={t("overview.firstSteps.schedule")}
      isDone={scheduled > 0}
      action={scheduled === 0 && target ? <EnableSchedule configuration={target} /> : open}
    >
      {scheduled > 0 ? (
        <List size="sm" listStyleType="none">
          {status.freshness.map((row) => (
            <List.Item key={row.configuration}>
              {/* As high as a finger needs it: the links stand below each other. */}
              <Anchor
                component={Link}
                to={`${base}/configurations/${row.configuration}`}
                size="sm"
                lh="24px"
                display="inline-block"
              >
                {row.name}
              </Anchor>
            </List.Item>
          ))}
        </List>
      ) : (
        t("overview.firstSteps.scheduleText")
      )}
    </Step>
  );
}

function EnableSchedule({ configuration }: { configuration: Configuration }) {
  const change = useToggleSchedule(configuration);
  return (
    <Allowed to="configure_backups">
      <ActionButton size="xs" pending={change.isPending} onClick={() => change.mutate(true)}>
        {t("overview.firstSteps.enable", { name: configuration.name })}
      </ActionButton>
    </Allowed>
  );
}
