/** The findings of the doctor: the problem, its reason and the next step. */

import { Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { findingsQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { Acknowledge } from "../Acknowledge";
import { ValueBadge } from "../../../components/badges";
import { useRelativeTime } from "../../../components/relativeTime";
import { Section } from "../../../components/Section";
import { Loaded } from "../../../components/states";
import { Acknowledged } from "./AcknowledgedFinding";
import { CommandText } from "./CommandText";

/** The server sorts the most severe findings first. */
const FIRST = 5;

export function Findings() {
  const ago = useRelativeTime();
  const [all, setAll] = useState(false);
  const query = useQuery(findingsQuery(useApi()));
  return (
    <Section title={t("overview.findings.title")}>
      <Loaded query={query}>
        {({ findings, acknowledged, examined_at: at }) => (
          <Stack gap="md">
            {findings.length === 0 && <Text>{t("overview.findings.none")}</Text>}
            {(all ? findings : findings.slice(0, FIRST)).map((one) => (
              <FindingItem key={`${one.id} ${one.subject} ${one.what}`} finding={one} />
            ))}
            {!all && findings.length > FIRST && (
              <Button variant="default" size="xs" onClick={() => setAll(true)}>
                {t("overview.findings.more", { count: findings.length - FIRST })}
              </Button>
            )}
            {acknowledged.map((one) => (
              <Acknowledged key={one.acknowledgement} finding={one} />
            ))}
            <Text size="xs" c="dimmed">
              {t("overview.findings.examined", { time: ago(at) })}
            </Text>
          </Stack>
        )}
      </Loaded>
    </Section>
  );
}

function FindingItem({ finding }: { finding: Schemas["Finding"] }) {
  return (
    <article>
      <Group gap="xs" mb={2}>
        <ValueBadge group="severity" value={finding.severity} />
        <Text fw={500} style={{ overflowWrap: "anywhere" }}>
          {finding.subject}
        </Text>
        <Text size="xs" c="dimmed">
          {finding.id}
        </Text>
        {finding.severity === "WARNING" && (
          <Acknowledge
            named={{ finding: finding.id, subject: finding.subject, what: finding.what }}
            text={`${finding.subject}: ${finding.what}`}
          />
        )}
      </Group>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        <CommandText text={finding.what} />
      </Text>
      <Text size="sm" c="dimmed">
        {finding.why}
      </Text>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        <strong>{t("overview.findings.what")}: </strong>
        <CommandText text={finding.hint} />
      </Text>
    </article>
  );
}
