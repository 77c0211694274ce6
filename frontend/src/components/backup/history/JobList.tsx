/** Jobs as a table, or as cards where a table has no room. */

import { Group, Paper, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { memo } from "react";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { bytes, duration } from "../common/format";
import { JobBadges, JobLink, JobOrigin, JobRemarks, JobWhen } from "./JobSummary";

interface Props {
  jobs: Schemas["Job"][];
  order: string;
  onOrder: (order: string) => void;
}

export function JobList({ jobs, order, onOrder }: Props) {
  const narrow = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  return narrow ? <Cards jobs={jobs} /> : <Rows jobs={jobs} order={order} onOrder={onOrder} />;
}

function Rows({ jobs, order, onOrder }: Props) {
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table highlightOnHover verticalSpacing="xs" aria-label={t("history.list")}>
        <Table.Thead>
          <Table.Tr>
            <Heading name={t("history.job")} column="job_name" order={order} onOrder={onOrder} />
            <Table.Th scope="col">{t("history.result")}</Table.Th>
            <Heading name={t("history.when")} column="queued_at" order={order} onOrder={onOrder} />
            <Table.Th scope="col" ta="right">
              {t("history.took")}
            </Table.Th>
            <Heading name={t("history.size")} column="backup_size" order={order} onOrder={onOrder} right />
            <Heading name={t("history.stored")} column="stored_size" order={order} onOrder={onOrder} right />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {jobs.map((job) => (
            <Row key={job.uuid} job={job} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** A job that has not changed is not drawn again when further ones are shown. */
const Row = memo(
  function Row({ job }: { job: Schemas["Job"] }) {
    return (
      <Table.Tr>
        <Table.Td maw={440}>
          <JobLink job={job} />
          <JobOrigin job={job} />
          <JobRemarks job={job} />
        </Table.Td>
        <Table.Td>
          <JobBadges job={job} />
        </Table.Td>
        <Table.Td style={{ whiteSpace: "nowrap" }}>
          <JobWhen job={job} />
        </Table.Td>
        <Amount text={job.duration_seconds === null ? "" : duration(job.duration_seconds)} />
        <Amount text={job.backup_size === null ? "" : bytes(job.backup_size)} />
        <Amount text={job.stored_size === null ? "" : bytes(job.stored_size)} />
      </Table.Tr>
    );
  },
  ({ job: before }, { job: now }) => before.uuid === now.uuid && before.changed_at === now.changed_at,
);

function Amount({ text }: { text: string }) {
  return (
    <Table.Td ta="right" style={{ whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" }}>
      {text || "–"}
    </Table.Td>
  );
}

interface HeadingProps {
  name: string;
  column: string;
  order: string;
  onOrder: (order: string) => void;
  right?: boolean;
}

/** A heading that orders by its column: downwards first, since the newest and the largest are what one looks for. */
function Heading({ name, column, order, onOrder, right = false }: HeadingProps) {
  const state = order === column ? "ascending" : order === `-${column}` ? "descending" : "none";
  return (
    <Table.Th scope="col" aria-sort={state} ta={right ? "right" : "left"}>
      <UnstyledButton
        fw={700}
        fz="sm"
        onClick={() => onOrder(state === "descending" ? column : `-${column}`)}
        title={t("history.orderBy", { name })}
      >
        {name}
        <span aria-hidden>{state === "ascending" ? " ↑" : state === "descending" ? " ↓" : ""}</span>
      </UnstyledButton>
    </Table.Th>
  );
}

function Cards({ jobs }: { jobs: Props["jobs"] }) {
  return (
    <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }} aria-label={t("history.list")}>
      {jobs.map((job) => (
        <Paper key={job.uuid} component="li" withBorder p="sm">
          <Group justify="space-between" align="start" gap="xs" mb={4}>
            <JobBadges job={job} />
            <div style={{ textAlign: "right" }}>
              <JobWhen job={job} />
            </div>
          </Group>
          <JobLink job={job} />
          <JobOrigin job={job} />
          <JobRemarks job={job} />
          <Text size="sm" mt={4}>
            {numbers(job)}
          </Text>
        </Paper>
      ))}
    </Stack>
  );
}

function numbers(job: Props["jobs"][number]): string {
  return [
    job.duration_seconds === null ? "" : `${t("history.took")} ${duration(job.duration_seconds)}`,
    job.backup_size === null ? "" : `${t("history.size")} ${bytes(job.backup_size)}`,
    job.stored_size === null ? "" : `${t("history.stored")} ${bytes(job.stored_size)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}
