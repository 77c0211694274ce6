/** The second step: the contents and the target. */

import { Alert, Anchor, Group, Stack, Switch, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type SubmitEvent, useEffect, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { type ApiError, type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { jobQuery, uploadsQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { TrustBadge, ValueBadge } from "../../../components/badges";
import { bytes, dateTime } from "../../../components/format";
import { RequestError } from "../../../components/Dialog";
import { Loaded } from "../../../components/states";
import { AccessChoice, withValidTarget, type Source, ContentChoice, TargetChoice } from "./RestoreChoices";
import { type Choices, choicesIn, namedIn, type Part, requestOf, searchOf } from "./choices";
import { PathsField } from "./PathsField";
import { TablesField } from "./TablesField";

export function ChooseContents() {
  const [params] = useSearchParams();
  return params.get("backup") ? (
    <BackupChoices uuid={params.get("backup") ?? ""} />
  ) : (
    <UploadChoices uuid={params.get("upload") ?? ""} />
  );
}

const DEBOUNCE_MS = 300;
const ALL_PARTS: Part[] = ["", "database", "files", "paths", "tables"];

function holdsOf(type: Schemas["BackupType"]): Part[] {
  return type === "DATABASE" ? ["database", "tables"] : type === "FILES" ? ["files", "paths"] : ALL_PARTS;
}

function BackupChoices({ uuid }: { uuid: string }) {
  const query = useQuery(jobQuery(useApi(), uuid));
  return (
    <Loaded query={query}>
      {(job) =>
        job.has_backup ? (
          <Form
            source={{
              about: (
                <Group gap="xs">
                  <Text fw={600} style={{ overflowWrap: "anywhere" }}>
                    {dateTime(job.started_at ?? job.queued_at)}, {job.job_name}
                  </Text>
                  <Text size="sm">{label("backupType", job.backup_type)}</Text>
                  {job.status !== "COMPLETED" && <ValueBadge group="jobStatus" value={job.status} />}
                  <TrustBadge job={job} />
                </Group>
              ),
              backup: job.uuid,
              holds: holdsOf(job.backup_type),
              portable: job.backup_type === "EXPORT",
            }}
          />
        ) : (
          <NoBackup reason={job.removed_at ? job.removal_reason : ""} />
        )
      }
    </Loaded>
  );
}

function NoBackup({ reason }: { reason: string }) {
  const base = useConsolePath();
  return (
    <Alert color="yellow">
      <Text>{reason ? t("restore.source.gone", { reason }) : t("restore.source.noBackup")}</Text>
      <Anchor component={Link} to={`${base}/restore`}>
        {t("restore.choices.change")}
      </Anchor>
    </Alert>
  );
}

function UploadChoices({ uuid }: { uuid: string }) {
  const query = useQuery(uploadsQuery(useApi()));
  return (
    <Loaded query={query}>
      {({ results }) => {
        const upload = results.find((one) => one.uuid === uuid);
        return upload ? (
          <Form
            source={{
              about: (
                <Text fw={600} style={{ overflowWrap: "anywhere" }}>
                  {upload.name}, {bytes(upload.size)}
                </Text>
              ),
              holds: ALL_PARTS,
              portable: true,
            }}
          />
        ) : (
          <NoBackup reason="" />
        );
      }}
    </Loaded>
  );
}

/**
 * Return the choices for the request. A folder takes everything or the named paths. Where a backup has one part only,
 * that part is everything.
 */
function normalized(choices: Choices, source: Source): Choices {
  const { part } = choices;
  const rows = part === "" || part === "database";
  return {
    ...choices,
    part: part === source.holds[0] ? "" : part,
    name: choices.target === "live" ? "" : choices.name.trim(),
    leaveOut: source.portable && choices.target !== "folder" && rows ? choices.leaveOut : [],
  };
}

function Form({ source }: { source: Source }) {
  const api = useApi();
  const base = useConsolePath();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [choices, setChoices] = useState(() => withValidTarget(choicesIn(params), source));
  const addressOf = (those: Choices) => `${base}/restore${searchOf(those)}`;
  const [missing, setMissing] = useState(false);
  const planning = useMutation<Schemas["Operation"], ApiError, Choices>({
    mutationFn: (wanted) => unwrap(api.POST("/restores/plan/", { body: requestOf(wanted) })),
    onSuccess: async (operation, wanted) => {
      // When the user goes back from the plan, the choices are still there.
      await navigate(addressOf(choices), { replace: true });
      await navigate(`${addressOf(wanted)}&plan=${operation.uuid}`);
    },
  });
  const isLeaving = planning.isPending || planning.isSuccess;
  useEffect(() => {
    // A pending change of the address must not replace the plan's own.
    if (isLeaving || searchOf(choices) === searchOf(choicesIn(params))) {
      return;
    }
    const timer = setTimeout(() => void navigate(addressOf(choices), { replace: true }), DEBOUNCE_MS);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a change of the choices is written to the address, not the other way round
  }, [choices, isLeaving]);
  const change = (changes: Partial<Choices>) =>
    setChoices((before) => withValidTarget({ ...before, ...changes }, source));
  const wrongName = planning.error?.field("name");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const isNothing = namedIn(choices)?.length === 0;
    setMissing(isNothing);
    if (!isNothing) {
      planning.mutate(normalized(choices, source));
    }
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Title order={3}>{t("restore.choices.title")}</Title>
        <Group gap="xs">
          <Text c="dimmed">{t("restore.choices.from")}</Text>
          {source.about}
          <Anchor component={Link} to={`${base}/restore`} size="sm">
            {t("restore.choices.change")}
          </Anchor>
        </Group>
        <ContentChoice source={source} choices={choices} change={change} />
        {choices.part === "paths" && (
          <PathsField
            backup={source.backup}
            values={choices.paths}
            error={missing ? t("restore.choices.nothingNamed") : planning.error?.field("paths")}
            onChange={(paths) => change({ paths })}
          />
        )}
        {choices.part === "tables" && (
          <TablesField
            name="tables"
            backup={source.backup}
            values={choices.tables}
            error={missing ? t("restore.choices.nothingNamed") : planning.error?.field("tables")}
            onChange={(tables) => change({ tables })}
          />
        )}
        <TargetChoice source={source} choices={choices} change={change} wrongName={wrongName} />
        {source.portable && (choices.part === "" || choices.part === "database") && choices.target !== "folder" && (
          <TablesField
            name="leaveOut"
            backup={source.backup}
            values={choices.leaveOut}
            error={planning.error?.field("leave_out")}
            onChange={(leaveOut) => change({ leaveOut })}
          />
        )}
        {choices.target === "live" && (
          <Switch
            label={t("restore.choices.safety")}
            description={t("restore.choices.safetyText")}
            checked={choices.safetyBackup}
            onChange={(event) => change({ safetyBackup: event.currentTarget.checked })}
          />
        )}
        {choices.target === "live" && choices.part !== "files" && source.holds[0] !== "files" && (
          <AccessChoice choices={choices} change={change} />
        )}
        {!wrongName && <RequestError error={planning.error} />}
        <Group>
          <ActionButton type="submit" pending={planning.isPending}>
            {t("restore.choices.plan")}
          </ActionButton>
          <Text size="sm">{t("restore.choices.planText")}</Text>
        </Group>
      </Stack>
    </form>
  );
}
