/** The page of a configuration: what it backs up, when, how long, and what came of it. */

import { Anchor, Badge, Button, Grid, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "react-router";

import { useApi } from "../../../api/ApiProvider";
import {
  configurationQuery,
  configurationStatisticsQuery,
  jobsQuery,
  operationsQuery,
  scheduleQuery,
} from "../../../api/queries";
import { VIEW_HEADING_ID } from "../../../components/Dialog";
import { FactList, Section } from "../../../components/Section";
import { Loaded } from "../../../components/states";
import { label, t } from "../../../i18n";
import { ResultCalendar } from "../charts/ResultCalendar";
import { TrendCharts } from "../charts/TrendCharts";
import { useConsolePath } from "../consolePath";
import { OperationList } from "../operations/OperationItem";
import { Allowed } from "../permissions";
import { ConfigurationActions, ScheduleSwitch } from "./ConfigurationActions";
import { ConfigurationRuns } from "./ConfigurationRuns";
import { RetentionPreview, SchedulePreview } from "./FormPreviews";
import { type Configuration, draftOf } from "./formValues";
import { LastGood, LastResult, NextRun } from "./ResultCells";

const DAYS = 60;
const RUNS = 5;
const SHOWN_JOBS = 10;

export function ConfigurationPage({ uuid }: { uuid: string }) {
  const query = useQuery(configurationQuery(useApi(), uuid));
  return <Loaded query={query}>{(row) => <Page row={row} />}</Loaded>;
}

function Page({ row }: { row: Configuration }) {
  const api = useApi();
  const schedule = useQuery(scheduleQuery(api, row.uuid, RUNS));
  const runs = useQuery(jobsQuery(api, { configuration: row.uuid, ordering: "-queued_at", limit: SHOWN_JOBS }));
  const statistics = useQuery(configurationStatisticsQuery(api, DAYS, row.uuid));
  return (
    <Stack>
      <Heading row={row} />
      <Deletion row={row} />
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Figure name={t("configurations.nextRun")}>
          <NextRun row={row} />
        </Figure>
        <Figure name={t("configurations.lastResult")}>
          <LastResult row={row} />
        </Figure>
        <Figure name={t("configurations.lastGood")}>
          <LastGood row={row} />
        </Figure>
      </SimpleGrid>
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Loaded query={runs}>{({ results }) => <ConfigurationRuns row={row} jobs={results} />}</Loaded>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack>
            <SchedulePreview query={schedule} />
            <RetentionPreview draft={draftOf(row)} saved={row.uuid} />
            <Scope row={row} />
          </Stack>
        </Grid.Col>
      </Grid>
      <Loaded query={statistics}>
        {(found) => (
          <>
            <ResultCalendar statistics={found} configuration={row} />
            <TrendCharts days={found.days} />
          </>
        )}
      </Loaded>
    </Stack>
  );
}

/** The last request to delete it with its backups, while it works or after it failed. */
function Deletion({ row }: { row: Configuration }) {
  const found = useQuery(operationsQuery(useApi(), { kind: "DELETE_CONFIGURATION", limit: 20 })).data?.results ?? [];
  const last = found.find((one) => one.arguments["configuration"] === row.uuid);
  return last && <OperationList operations={[last]} />;
}

function Heading({ row }: { row: Configuration }) {
  const base = useConsolePath();
  const { search } = useLocation();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) {
      heading.current?.focus({ preventScroll: true });
    }
  }, [row.uuid]);
  return (
    <div>
      <Anchor component={Link} to={{ pathname: `${base}/configurations`, search }} size="sm">
        ← {t("configurations.page.back")}
      </Anchor>
      <Group justify="space-between" align="flex-start">
        <div style={{ minWidth: 0 }}>
          <Title
            order={2}
            id={VIEW_HEADING_ID}
            ref={heading}
            tabIndex={-1}
            style={{ overflowWrap: "anywhere", outline: "none" }}
          >
            {row.name}
          </Title>
          <Group gap="xs" mt={4}>
            <Badge variant="light" tt="none">
              {label("backupType", row.backup_type ?? "")}
            </Badge>
            <Text size="sm">{row.schedule_in_words}</Text>
            <ScheduleSwitch row={row} />
          </Group>
          {row.description && <Text c="dimmed">{row.description}</Text>}
        </div>
        <Group gap="xs">
          <Allowed to="configure_backups">
            <Button
              id={`edit-${row.uuid}`}
              component={Link}
              to={{ pathname: `${base}/configurations/${row.uuid}/edit`, search }}
              variant="default"
              size="xs"
            >
              {t("configurations.edit")}
            </Button>
          </Allowed>
          <ConfigurationActions row={row} />
        </Group>
      </Group>
    </div>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Paper withBorder p="sm">
      <Text size="xs" c="dimmed" mb={4}>
        {name}
      </Text>
      {children}
    </Paper>
  );
}

/** The included and excluded data, and the place of its backups. */
function Scope({ row }: { row: Configuration }) {
  const list = (patterns: string[]) => patterns.join(", ");
  return (
    <Section title={t("configurations.page.scope")}>
      <FactList
        facts={[
          [t("configurations.page.include"), list(row.include ?? []) || t("configurations.page.everything")],
          [t("configurations.page.exclude"), list(row.exclude ?? [])],
          [t("history.page.place"), row.storage_path || t("history.page.mainPlace")],
          [
            t("history.page.how"),
            [
              t(row.encryption_enabled ? "history.page.encrypted" : "history.page.notEncrypted"),
              t(row.compression_enabled ? "history.page.compressed" : "history.page.notCompressed"),
            ].join(", "),
          ],
        ]}
      />
    </Section>
  );
}
