/** The actions for a job and its backup. Impossible actions are not offered. */

import { Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { t } from "../../../i18n";
import { Allowed } from "../permissions";
import { CancelDialog, DeleteDialog, PinDialog } from "./JobDialogs";
import { DownloadButton } from "./DownloadButton";
import { hasFailed } from "./JobOutcome";

type Job = Schemas["JobDetail"];

export function JobActions({ job }: { job: Job }) {
  const unfinished = job.status === "PENDING" || job.status === "RUNNING";
  const damaged = job.trust === "DAMAGED";
  return (
    <Group gap="xs" role="group" aria-label={t("history.page.actions")}>
      {job.has_backup && (
        <>
          <Allowed to="restore_backups">
            <Button component={Link} to={`../restore?backup=${job.uuid}`} variant={damaged ? "default" : "filled"}>
              {t("history.page.restore")}
            </Button>
          </Allowed>
          {job.is_in_storage && (
            <Allowed to="download_backups">
              <Button component={Link} to={`../history/${job.uuid}/files`} variant="default">
                {t("history.page.browse")}
              </Button>
              <DownloadButton job={job.uuid} path="" text={t("history.page.download")} size="sm" />
            </Allowed>
          )}
          <Allowed to="run_backups">
            <Verify job={job} />
            <Pin job={job} />
          </Allowed>
          <Allowed to="delete_backups">{!job.is_pinned && <DialogButton name="delete" job={job} />}</Allowed>
        </>
      )}
      <Allowed to="run_backups">
        {hasFailed(job) && job.configuration && <RunAgain configuration={job.configuration} />}
        {unfinished && !job.cancel_requested_at && <DialogButton name="cancel" job={job} />}
      </Allowed>
    </Group>
  );
}

const DIALOGS = { delete: DeleteDialog, cancel: CancelDialog };

function DialogButton({ name, job }: { name: keyof typeof DIALOGS; job: Job }) {
  const [opened, { open, close }] = useDisclosure(false);
  const Dialog = DIALOGS[name];
  return (
    <>
      <Button variant="outline" color="red" onClick={open}>
        {t(`history.page.${name}`)}
      </Button>
      <Dialog job={job} opened={opened} onClose={close} />
    </>
  );
}

/** Runs the configuration of the job once more, and opens the new job. */
function RunAgain({ configuration }: { configuration: string }) {
  const api = useApi();
  const navigate = useNavigate();
  return (
    <JobAction
      name={t("history.page.runAgain")}
      work={async () => {
        const params = { path: { uuid: configuration } };
        const { job_id: started } = await unwrap(api.POST("/configurations/{uuid}/run-now/", { params }));
        await navigate(`../history/${started}`);
      }}
    />
  );
}

function Verify({ job }: { job: Job }) {
  const api = useApi();
  return (
    <JobAction
      name={t("history.page.verify")}
      hint={t("history.page.verifyHint")}
      work={() => unwrap(api.POST("/jobs/{uuid}/verify/", { params: { path: { uuid: job.uuid } } }))}
    />
  );
}

/** One button for both actions, so that it keeps the focus. */
function Pin({ job }: { job: Job }) {
  const api = useApi();
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <JobAction
        name={t(job.is_pinned ? "history.page.unpin" : "history.page.pin")}
        {...(job.is_pinned ? {} : { openDialog: open })}
        work={() => unwrap(api.DELETE("/jobs/{uuid}/pin/", { params: { path: { uuid: job.uuid } } }))}
      />
      <PinDialog job={job} opened={opened} onClose={close} />
    </>
  );
}

interface JobActionProps {
  name: string;
  hint?: string;
  /** Called instead of `work` by an action with a dialog. */
  openDialog?: () => void;
  work: () => Promise<unknown>;
}

/** A button that acts at once, and shows the reason of a refusal. */
function JobAction({ name, hint, openDialog, work }: JobActionProps) {
  const queries = useQueryClient();
  const doing = useMutation({
    mutationFn: work,
    onSettled: () =>
      Promise.all(["job", "jobs", "operations"].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <>
      <ActionButton
        variant="default"
        pending={doing.isPending}
        title={hint}
        onClick={openDialog ?? (() => doing.mutate())}
      >
        {name}
      </ActionButton>
      {doing.error && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert" w="100%" style={{ order: 1 }}>
          {doing.error.message}
        </Text>
      )}
    </>
  );
}
