/** Warnings, and what could not be read. */

import { Button, List, Table, Text } from "@mantine/core";
import { useState } from "react";

import type { Schemas } from "../../../api/client";
import { t } from "../../../i18n";
import { Section } from "../common/section";

const FIRST = 20;

export function JobProblems({ job }: { job: Schemas["JobDetail"] }) {
  return (
    <>
      {job.warnings.length > 0 && (
        <Section title={t("history.page.warnings")}>
          <List size="sm">
            {job.warnings.map((text) => (
              <List.Item key={text}>{text}</List.Item>
            ))}
          </List>
        </Section>
      )}
      {job.problem_count > 0 && <Unread problems={job.problems} count={job.problem_count} />}
    </>
  );
}

function Unread({ problems, count }: { problems: Schemas["ProblemFile"][]; count: number }) {
  const [all, setAll] = useState(false);
  const shown = all ? problems : problems.slice(0, FIRST);
  return (
    <Section title={t("history.page.problems")}>
      <Table fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t("history.page.path")}</Table.Th>
            <Table.Th scope="col">{t("history.page.reason")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((one) => (
            <Table.Tr key={one.path}>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{one.path}</Table.Td>
              <Table.Td>{one.reason}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {shown.length < count && (
        <Text size="sm" c="dimmed" mt="xs">
          {t("history.page.problemsShown", { shown: shown.length, count })}
        </Text>
      )}
      {shown.length < problems.length && (
        <Button size="xs" variant="default" mt="xs" onClick={() => setAll(true)}>
          {t("common.more")}
        </Button>
      )}
    </Section>
  );
}
