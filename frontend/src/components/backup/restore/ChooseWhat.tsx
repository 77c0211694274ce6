/** The second step: what of it, and to where. */

import { Alert, Anchor, Button, Group, Radio, Stack, Switch, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";

import { ApiError, type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/context";
import { jobQuery, uploadsQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { useConsolePath } from "../common/address";
import { ValueBadge } from "../common/badges";
import { bytes, moment } from "../common/format";
import { Refusal } from "../common/dialog";
import { Loaded } from "../common/states";
import { asOnly, asTarget, type Choices, choicesIn, type Only, requestOf, searchOf, type Target } from "./plan";

/** What a source holds, and whether tables can be left out of it. */
interface Source {
  about: ReactNode;
  holds: Only[];
  portable: boolean;
}

export function ChooseWhat() {
  const [params] = useSearchParams();
  return params.get("backup") ? <OfBackup uuid={params.get("backup") ?? ""} /> : <OfUpload uuid={params.get("upload") ?? ""} />;
}

function holdsOf(type: Schemas["BackupType"]): Only[] {
  return type === "DATABASE" ? ["database"] : type === "FILES" ? ["files"] : ["", "database", "files"];
}

function OfBackup({ uuid }: { uuid: string }) {
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
                    {moment(job.started_at ?? job.queued_at)}, {job.job_name}
                  </Text>
                  <Text size="sm">{label("backupType", job.backup_type)}</Text>
                  {job.status !== "COMPLETED" && <ValueBadge group="jobStatus" value={job.status} />}
                  <ValueBadge group="trust" value={job.trust} />
                </Group>
              ),
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

function OfUpload({ uuid }: { uuid: string }) {
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
              holds: ["", "database", "files"],
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

const WHAT: Record<Only, "all" | "database" | "files"> = { "": "all", database: "database", files: "files" };

/** What cannot go together is put right as soon as it is chosen. */
function fitting(choices: Choices, source: Source): Choices {
  const only = source.holds.includes(choices.only) ? choices.only : (source.holds[0] ?? "");
  const whole = only === "" || source.holds.length === 1;
  const impossible = (choices.target === "folder" && !whole) || (choices.target === "database" && only === "files");
  const target = impossible ? "live" : choices.target;
  return { ...choices, only, target };
}

/** To a folder all of it is restored, and nothing is said of parts; the same where the backup holds one part alone. */
function sent(choices: Choices, source: Source): Choices {
  const whole = choices.target === "folder" || source.holds.length === 1;
  return {
    ...choices,
    only: whole ? "" : choices.only,
    name: choices.target === "live" ? "" : choices.name.trim(),
    leaveOut: source.portable && choices.target !== "folder" && choices.only !== "files" ? choices.leaveOut : [],
  };
}

function Form({ source }: { source: Source }) {
  const api = useApi();
  const base = useConsolePath();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [choices, setChoices] = useState(() => fitting(choicesIn(params), source));
  const planning = useMutation<Schemas["Operation"], ApiError, Choices>({
    mutationFn: (wanted) => unwrap(api.POST("/restores/plan/", { body: requestOf(wanted) })),
    onSuccess: (operation, wanted) => navigate(`${base}/restore${searchOf(wanted)}&plan=${operation.uuid}`),
  });
  const change = (changes: Partial<Choices>) => setChoices((before) => fitting({ ...before, ...changes }, source));
  const wrongName = planning.error?.field("name");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    planning.mutate(sent(choices, source));
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
        <What source={source} choices={choices} change={change} />
        <Where source={source} choices={choices} change={change} wrongName={wrongName} />
        {source.portable && choices.only !== "files" && choices.target !== "folder" && (
          <Textarea
            label={t("restore.choices.leaveOut")}
            description={t("restore.choices.leaveOutHelp")}
            error={planning.error?.field("leave_out")}
            defaultValue={choices.leaveOut.join("\n")}
            onChange={(event) => change({ leaveOut: event.currentTarget.value.split(/\s+/).filter(Boolean) })}
            autosize
            minRows={1}
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
        {!wrongName && <Refusal error={planning.error} />}
        <Group>
          <Button type="submit" loading={planning.isPending}>
            {t("restore.choices.plan")}
          </Button>
          <Text size="sm">{t("restore.choices.planText")}</Text>
        </Group>
      </Stack>
    </form>
  );
}

interface PartProps {
  source: Source;
  choices: Choices;
  change: (changes: Partial<Choices>) => void;
}

function What({ source, choices, change }: PartProps) {
  return (
    <Radio.Group
      label={t("restore.choices.what")}
      value={choices.only}
      onChange={(value) => change({ only: asOnly(value) })}
    >
      <Stack gap="xs" mt="xs">
        {source.holds.map((only) => (
          <Radio
            key={only}
            value={only}
            label={t(`restore.choices.${WHAT[only]}`)}
            description={source.holds.length === 1 ? t("restore.choices.onlyThis") : t(`restore.choices.${WHAT[only]}Text`)}
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}

function Where({ source, choices, change, wrongName }: PartProps & { wrongName: string | undefined }) {
  const partial = choices.only !== "" && source.holds.length > 1;
  const options: { value: Target; label: string; text: string; not?: string | false }[] = [
    { value: "live", label: t("restore.choices.live"), text: t("restore.choices.liveText") },
    {
      value: "folder",
      label: t("restore.choices.folder"),
      text: t("restore.choices.folderText"),
      not: partial && t("restore.choices.folderWhole"),
    },
    {
      value: "database",
      label: t("restore.choices.newDatabase"),
      text: t("restore.choices.newDatabaseText"),
      not: choices.only === "files" && t("restore.choices.noDatabase"),
    },
  ];
  return (
    <Stack gap="xs">
      <Radio.Group
        label={t("restore.choices.where")}
        value={choices.target}
        onChange={(value) => change({ target: asTarget(value) })}
      >
        <Stack gap="xs" mt="xs">
          {options.map((one) => (
            <Radio
              key={one.value}
              value={one.value}
              label={one.label}
              description={one.not || one.text}
              disabled={Boolean(one.not)}
            />
          ))}
        </Stack>
      </Radio.Group>
      {choices.target !== "live" && (
        <TextInput
          label={t(`restore.choices.${choices.target}Name`)}
          description={t(`restore.choices.${choices.target}Help`)}
          value={choices.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
          error={wrongName}
          maw="24rem"
          ml="xl"
          required
        />
      )}
    </Stack>
  );
}
