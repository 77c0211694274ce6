/** Acknowledges a warning, or all problems of a job, with a reason and an end date. */

import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";

import { ActionButton } from "../../components/ActionButton";
import { type Schemas, unwrap } from "../../api/client";
import { useApi } from "../../api/ApiProvider";
import { t } from "../../i18n";
import { Allowed } from "./permissions";

const LONGEST_REASON = 500;

interface Props {
  /** The subject in the API: a finding by its id, subject and text, or a job. */
  named: Pick<Schemas["AcknowledgeRequest"], "finding" | "subject" | "what" | "job">;
  /** The text of the warning or the problems. */
  text: string;
}

export function Acknowledge({ named, text }: Props) {
  const [opened, setOpened] = useState(false);
  return (
    <Allowed to="configure_backups">
      <Button variant="default" size="compact-xs" onClick={() => setOpened(true)}>
        {t("overview.findings.acknowledge")}
      </Button>
      <Modal opened={opened} onClose={() => setOpened(false)} title={t("overview.findings.acknowledge")}>
        <Form named={named} text={text} onDone={() => setOpened(false)} />
      </Modal>
    </Allowed>
  );
}

function Form({ named, text, onDone }: Props & { onDone: () => void }) {
  const api = useApi();
  const client = useQueryClient();
  const [why, setWhy] = useState("");
  const [until, setUntil] = useState("");
  const work = useMutation({
    mutationFn: () => {
      const body = { ...named, why, until: new Date(`${until}T23:59:59`).toISOString() };
      return unwrap(api.POST("/system/acknowledgements/", { body }));
    },
    onSuccess: async () => {
      await Promise.all(["status", "job"].map((part) => client.invalidateQueries({ queryKey: [part] })));
      onDone();
    },
  });
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    work.mutate();
  };
  return (
    <form onSubmit={send}>
      <Stack>
        <Text style={{ overflowWrap: "anywhere" }}>{text}</Text>
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
          <ActionButton type="submit" pending={work.isPending}>
            {t("overview.findings.acknowledge")}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
