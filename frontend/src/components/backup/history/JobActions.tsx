/** What can be done with a job and its backup. What is not possible now is not offered. */

import { Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";

import { type Schemas, unwrap } from "../../../api/client";
import { useApi, useApiUrl } from "../../../api/context";
import { t } from "../../../i18n";
import { CancelDialog, DeleteDialog, PinDialog } from "./dialogs";

type Job = Schemas["JobDetail"];

export function JobActions({ job }: { job: Job }) {
  const url = useApiUrl();
  const unfinished = job.status === "PENDING" || job.status === "RUNNING";
  const damaged = job.trust === "DAMAGED";
  return (
    <Stack gap="xs">
      <Group gap="xs" role="group" aria-label={t("history.page.actions")}>
        {job.has_backup && (
          <>
            <Button component={Link} to={`../restore?backup=${job.uuid}`} variant={damaged ? "default" : "filled"}>
              {t("history.page.restore")}
            </Button>
            <Button component={Link} to={`../history/${job.uuid}/files`} variant="default">
              {t("history.page.browse")}
            </Button>
            <Button component="a" href={url(`/jobs/${job.uuid}/download/`)} download variant="default">
              {t("history.page.download")}
            </Button>
            <Verify job={job} />
            {job.is_pinned ? <Unpin job={job} /> : <Opened name="pin" job={job} />}
            {!job.is_pinned && <Opened name="delete" job={job} />}
          </>
        )}
        {unfinished && !job.cancel_requested_at && <Opened name="cancel" job={job} />}
      </Group>
    </Stack>
  );
}

const DIALOGS = { pin: PinDialog, delete: DeleteDialog, cancel: CancelDialog };

function Opened({ name, job }: { name: keyof typeof DIALOGS; job: Job }) {
  const [opened, { open, close }] = useDisclosure(false);
  const Dialog = DIALOGS[name];
  const dangerous = name !== "pin";
  return (
    <>
      <Button variant={dangerous ? "outline" : "default"} {...(dangerous ? { color: "red" } : {})} onClick={open}>
        {t(`history.page.${name}`)}
      </Button>
      <Dialog job={job} opened={opened} onClose={close} />
    </>
  );
}

function Verify({ job }: { job: Job }) {
  const api = useApi();
  return (
    <Do
      name={t("history.page.verify")}
      hint={t("history.page.verifyHint")}
      work={() => unwrap(api.POST("/jobs/{uuid}/verify/", { params: { path: { uuid: job.uuid } } }))}
    />
  );
}

function Unpin({ job }: { job: Job }) {
  const api = useApi();
  return (
    <Do
      name={t("history.page.unpin")}
      work={() => unwrap(api.DELETE("/jobs/{uuid}/pin/", { params: { path: { uuid: job.uuid } } }))}
    />
  );
}

/** A button that does something at once, and says why it was refused. */
function Do({ name, hint, work }: { name: string; hint?: string; work: () => Promise<unknown> }) {
  const queries = useQueryClient();
  const doing = useMutation({
    mutationFn: work,
    onSettled: () =>
      Promise.all(["job", "jobs", "operations"].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <>
      <Button variant="default" loading={doing.isPending} title={hint} onClick={() => doing.mutate()}>
        {name}
      </Button>
      {doing.error && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert" w="100%" style={{ order: 1 }}>
          {doing.error.message}
        </Text>
      )}
    </>
  );
}
