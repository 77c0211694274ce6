/** The trust level of a backup, with the meaning of each step. */

import { Group, Stack, Text } from "@mantine/core";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { Section } from "../../../components/Section";

const STEPS = ["STORED", "VERIFIED", "PROVEN"] as const;
const TEXTS = {
  STORED: ["history.page.trustStored", "history.page.trustStoredText"],
  VERIFIED: ["history.page.trustVerified", "history.page.trustVerifiedText"],
  PROVEN: ["history.page.trustProven", "history.page.trustProvenText"],
} as const;

export function JobTrust({ job }: { job: Schemas["JobDetail"] }) {
  const gone = job.removal_started_at !== null;
  const unfinished = job.status === "PENDING" || job.status === "RUNNING";
  const reached = gone || job.missing ? -1 : STEPS.findIndex((step) => step === job.trust);
  return (
    <Section title={t("history.page.trust")}>
      {gone && <Text c="dimmed">{t("history.page.trustGone")}</Text>}
      {job.missing && (
        <Text c="var(--mantine-color-error)">{t("history.page.trustMissing", { reason: job.missing })}</Text>
      )}
      {!gone && job.trust === "DAMAGED" && <Text c="var(--mantine-color-error)">{t("history.page.trustDamaged")}</Text>}
      {!gone && job.trust === "" && (
        <Text c="dimmed">{t(unfinished ? "history.page.notEnded" : "history.page.trustNone")}</Text>
      )}
      {!gone && job.rehearsal_state === "FAILED" && (
        <Text c="var(--mantine-color-error)">{t("history.page.rehearsalFailed")}</Text>
      )}
      {!gone && job.rehearsal_state === "IMPOSSIBLE" && (
        <Text c="var(--mantine-color-error)">{t("history.page.rehearsalImpossible")}</Text>
      )}
      {reached >= 0 && (
        <Stack component="ol" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
          {STEPS.map((step, index) => (
            <Step key={step} step={step} done={index <= reached} />
          ))}
        </Stack>
      )}
    </Section>
  );
}

function Step({ step, done }: { step: (typeof STEPS)[number]; done: boolean }) {
  const [name, text] = TEXTS[step];
  return (
    <Group component="li" gap="sm" wrap="nowrap" align="start" c={done ? "inherit" : "dimmed"}>
      <Text span fw={700} c={done ? "var(--mantine-color-green-text)" : "dimmed"} aria-hidden w="1rem">
        {done ? "✓" : "○"}
      </Text>
      <div>
        <Text fw={500}>
          {t(name)}
          <Text span size="sm" fw={400} c="dimmed">
            {" – "}
            {t(done ? "history.page.reached" : "history.page.notReached")}
          </Text>
        </Text>
        <Text size="sm">{t(text)}</Text>
      </div>
    </Group>
  );
}
