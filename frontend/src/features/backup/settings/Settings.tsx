/** The settings: how the pages look, who runs the jobs, and what the installation is. */

import { Code, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { findingsQuery, installationQuery } from "../../../api/queries";
import { ValueBadge } from "../../../components/badges";
import { DisplayFields } from "../../../components/DisplayOptions";
import { dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { FactList, Section } from "../../../components/Section";
import { Loaded } from "../../../components/states";
import { type Column, DataTable } from "../../../components/table/DataTable";
import { label, t } from "../../../i18n";

type Executor = Schemas["Executor"];

/** Findings about the passphrase and the keys. */
const KEY_FINDINGS: ReadonlySet<string> = new Set(["backup.W002", "backup.W040", "backup.W041"]);

export default function Settings() {
  const installation = useQuery(installationQuery(useApi()));
  return (
    <Stack>
      <div>
        <Title order={2}>{t("settings.title")}</Title>
        <Text c="dimmed">{t("settings.intro")}</Text>
      </div>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Section title={t("common.display.title")}>
          <DisplayFields />
        </Section>
        <Loaded query={installation}>{(found) => <About installation={found} />}</Loaded>
      </SimpleGrid>
      <Loaded query={installation}>{({ executors }) => <Executors executors={executors} />}</Loaded>
    </Stack>
  );
}

function About({ installation }: { installation: Schemas["Installation"] }) {
  const findings = useQuery(findingsQuery(useApi())).data?.findings.filter((one) => KEY_FINDINGS.has(one.id)) ?? [];
  const { encryption_source: source, second_person: words } = installation;
  return (
    <Section title={t("settings.installation")}>
      <FactList
        facts={[
          [t("settings.version"), installation.version],
          [t("settings.platform"), `Django ${installation.django}, Python ${installation.python}`],
          [t("settings.executor"), <Code key="executor">{installation.executor}</Code>],
          [t("settings.zone"), installation.time_zone],
          [t("settings.browserZone"), Intl.DateTimeFormat().resolvedOptions().timeZone],
          [t("settings.passphrase"), source ? <Code key="source">{source}</Code> : t("settings.noPassphrase")],
          [t("settings.secondPerson"), words.join(", ") || t("settings.noSecondPerson")],
        ]}
      />
      {findings.map((one) => (
        <Text key={`${one.id} ${one.subject}`} size="sm" mt="xs">
          <ValueBadge group="severity" value={one.severity} /> {one.what} {one.hint}
        </Text>
      ))}
    </Section>
  );
}

const COLUMNS: Column<Executor>[] = [
  { header: "settings.kind", cell: (one) => label("executorKind", one.kind) },
  { header: "settings.host", wrap: "anywhere", cell: (one) => (one.pid ? `${one.host}, ${one.pid}` : one.host) },
  { header: "settings.seen", cell: (one) => <LastSeen executor={one} /> },
  { header: "settings.started", visibleFrom: "sm", cell: (one) => dateTime(one.started_at) },
];

function LastSeen({ executor }: { executor: Executor }) {
  const ago = useRelativeTime();
  return (
    <>
      <Text size="sm">{t(executor.is_alive ? "settings.alive" : "settings.gone")}</Text>
      <Text size="xs" c="dimmed">
        {ago(executor.beat_at)}
      </Text>
    </>
  );
}

function Executors({ executors }: { executors: Executor[] }) {
  return (
    <Section title={t("settings.executors")}>
      <Text size="sm" c="dimmed" mb="xs">
        {t("settings.executorsIntro")}
      </Text>
      {executors.length === 0 ? (
        <Text>{t("settings.noExecutors")}</Text>
      ) : (
        <DataTable
          columns={COLUMNS}
          rows={executors}
          rowKey={(one) => `${one.host} ${one.pid} ${one.started_at}`}
          fontSize="sm"
        />
      )}
    </Section>
  );
}
