/** The restore assistant: backup, contents and target, plan. The address holds the current step. */

import { Alert, Anchor, Box, Group, Paper, Text, Title } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Link, useSearchParams } from "react-router";

import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { VIEW_HEADING_ID } from "../../../components/Dialog";
import { NotificationsProvider } from "../../../components/notifications";
import { usePermission } from "../permissions";
import { ChooseSource } from "./ChooseSource";
import { ChooseContents } from "./ChooseContents";
import { choicesIn, searchOf } from "./choices";
import { PlanStep } from "./PlanStep";
import { RestoreList } from "./RestoreList";
import { Approvals } from "./Approvals";

const STEPS = ["source", "choices", "plan"] as const;
type Step = (typeof STEPS)[number];

export default function Restore() {
  const [params] = useSearchParams();
  const may = usePermission("restore_backups");
  const plan = params.get("plan");
  const source = params.get("backup") ?? params.get("upload");
  const step: Step = plan ? "plan" : source ? "choices" : "source";
  return (
    <NotificationsProvider>
      <Title order={2} id={VIEW_HEADING_ID} tabIndex={-1}>
        {t("restore.title")}
      </Title>
      <Text mb="md">{t("restore.intro")}</Text>
      {step === "source" && <Approvals />}
      {may === false ? (
        <Alert color="gray">{t("restore.mayNot")}</Alert>
      ) : (
        <>
          <Steps step={step} />
          <StepPanel step={step}>
            {plan ? <PlanStep key={plan} uuid={plan} /> : source ? <ChooseContents key={source} /> : <ChooseSource />}
          </StepPanel>
        </>
      )}
      {step === "source" && <RestoreList />}
    </NotificationsProvider>
  );
}

/** The steps. Earlier ones are links. */
function Steps({ step }: { step: Step }) {
  const base = useConsolePath();
  const [params] = useSearchParams();
  const at = STEPS.indexOf(step);
  const back: Partial<Record<Step, string>> = {
    source: `${base}/restore`,
    choices: `${base}/restore${searchOf(choicesIn(params))}`,
  };
  return (
    <Group component="nav" aria-label={t("restore.stepsLabel")} mb="md">
      <Group component="ol" gap="md" m={0} p={0} style={{ listStyle: "none" }}>
        {STEPS.map((one, index) => {
          const text = `${index + 1}. ${t(`restore.steps.${one}`)}`;
          const to = index < at ? back[one] : undefined;
          return (
            <Box component="li" key={one} aria-current={one === step ? "step" : undefined}>
              {to ? (
                <Anchor component={Link} to={to}>
                  {text}
                </Anchor>
              ) : (
                <Text span fw={one === step ? 700 : 400}>
                  {text}
                </Text>
              )}
            </Box>
          );
        })}
      </Group>
    </Group>
  );
}

/** Focuses a new step, so that screen readers announce it. Not on the first load. */
function StepPanel({ step, children }: { step: Step; children: React.ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  const before = useRef(step);
  useEffect(() => {
    if (before.current !== step) {
      before.current = step;
      place.current?.focus();
    }
  }, [step]);
  return (
    <Paper ref={place} tabIndex={-1} withBorder p="md" role="group" aria-label={t(`restore.steps.${step}`)}>
      {children}
    </Paper>
  );
}
