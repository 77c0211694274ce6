/** A warning that a person says is known: asked for with a reason and an end, listed, withdrawn. */

import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/context";
import { t } from "../../../i18n";
import { moment } from "../common/format";
import { Allowed } from "../common/rights";

const LONGEST_REASON = 500;

export function Acknowledge({ finding }: { finding: Schemas["Finding"] }) {
  const [opened, setOpened] = useState(false);
  return (
    <Allowed to="configure_backups">
      <Button variant="default" size="compact-xs" onClick={() => setOpened(true)}>
        {t("overview.findings.acknowledge")}
      </Button>
      <Modal opened={opened} onClose={() => setOpened(false)} title={t("overview.findings.acknowledge")}>
        <Form finding={finding} onDone={() => setOpened(false)} />
      </Modal>
    </Allowed>
  );
}

function Form({ finding, onDone }: { finding: Schemas["Finding"]; onDone: () => void }) {
  const api = useApi();
  const client = useQueryClient();
  const [why, setWhy] = useState("");
  const [until, setUntil] = useState("");
  const work = useMutation({
    mutationFn: () => {
      const named = { finding: finding.id, subject: finding.subject, what: finding.what };
      const body = { ...named, why, until: new Date(`${until}T23:59:59`).toISOString() };
      return unwrap(api.POST("/system/acknowledgements/", { body }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["status"] });
      onDone();
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    work.mutate();
  };
  return (
    <form onSubmit={send}>
      <Stack>
        <Text style={{ overflowWrap: "anywhere" }}>
          {finding.subject}: {finding.what}
        </Text>
        <TextInput
          required
          label={t("overview.findings.why")}
          maxLength={LONGEST_REASON}
          value={why}
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        <TextInput
          required
          type="date"
          label={t("overview.findings.untilWhen")}
          value={until}
          onChange={(event) => setUntil(event.currentTarget.value)}
        />
        {work.error && <Alert color="red">{work.error.message}</Alert>}
        <Group justify="end">
          <Button type="submit" loading={work.isPending}>
            {t("overview.findings.acknowledge")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function Acknowledged({ finding }: { finding: Schemas["AcknowledgedFinding"] }) {
  const api = useApi();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: () => {
      const path = { uuid: finding.acknowledgement };
      return unwrap(api.DELETE("/system/acknowledgements/{uuid}/", { params: { path } }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["status"] }),
  });
  return (
    <article>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {t("overview.findings.acknowledged")}: {finding.subject}: {finding.what}
      </Text>
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          {t("overview.findings.acknowledgedBy", {
            who: finding.acknowledged_by,
            why: finding.acknowledged_why,
            time: moment(finding.acknowledged_until),
          })}
        </Text>
        <Allowed to="configure_backups">
          <Button variant="default" size="compact-xs" loading={work.isPending} onClick={() => work.mutate()}>
            {t("overview.findings.withdraw")}
          </Button>
        </Allowed>
      </Group>
      {work.error && <Alert color="red">{work.error.message}</Alert>}
    </article>
  );
}
