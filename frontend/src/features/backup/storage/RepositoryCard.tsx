/** One repository: what it holds, how it is, and its checks. */

import { Alert, Group, List, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { ActionButton } from "../../../components/ActionButton";
import { RequestError } from "../../../components/Dialog";
import { bytes, dateTime } from "../../../components/format";
import { useRelativeTime } from "../../../components/relativeTime";
import { FactList, Section } from "../../../components/Section";
import { number, t } from "../../../i18n";
import { Allowed } from "../permissions";

type Repository = Schemas["Repository"];

export function RepositoryCard({ repository }: { repository: Repository }) {
  const ago = useRelativeTime();
  const { storage_path: path, encrypted, last_check: check, last_prune: prune } = repository;
  const moment = (at: string | null) => at && `${dateTime(at)}, ${ago(at)}`;
  const ratio = repository.deduplication_ratio;
  const place = path || t("history.page.mainPlace");
  const name = `${place}, ${t(encrypted ? "history.page.encrypted" : "history.page.notEncrypted")}`;
  const facts: [string, ReactNode][] = [
    [t("storage.stored"), repository.stored_bytes === null ? "" : bytes(repository.stored_bytes)],
    [t("storage.logical"), repository.logical_bytes > 0 && bytes(repository.logical_bytes)],
    [t("storage.ratio"), ratio !== null && t("storage.ratioOf", { ratio: number(ratio) })],
    [t("storage.free"), repository.free_bytes === null ? "" : bytes(repository.free_bytes)],
    [t("storage.snapshots"), number(repository.snapshots)],
    [t("storage.oldest"), moment(repository.first_backup)],
    [t("storage.newest"), moment(repository.last_backup)],
    [t("storage.verified"), moment(repository.last_verified)],
    [t("storage.checked"), check ? checkText(check, moment(check.completed_at) ?? "") : t("common.never")],
    [t("storage.pruned"), prune ? moment(prune.completed_at ?? prune.started_at) : t("common.never")],
    [t("storage.locks"), repository.locked_since ? locksText(repository, ago(repository.locked_since)) : ""],
  ];
  return (
    <Section title={name}>
      <Stack gap="sm">
        {repository.error && <Alert color="red">{repository.error}</Alert>}
        {!repository.exists && !repository.error && <Text>{t("storage.notYet")}</Text>}
        {repository.exists && <FactList facts={facts.map(([fact, value]) => [fact, value || ""])} />}
        <Keys repository={repository} />
        {repository.exists && <Actions repository={repository} name={name} />}
      </Stack>
    </Section>
  );
}

function checkText(check: NonNullable<Repository["last_check"]>, at: string): string {
  const how = t(check.read_data ? "storage.checkedAll" : "storage.checkedStructure");
  const result = check.is_sound ? t("storage.sound") : t("history.operations.findings", { count: check.findings });
  return `${at}, ${how}: ${result}`;
}

function locksText({ locks }: Repository, since: string): string {
  return t("storage.locksOf", { count: locks, since });
}

function Keys({ repository: { keys } }: { repository: Repository }) {
  return (
    keys.length > 0 && (
      <div>
        <Text size="sm" fw={500}>
          {t("storage.keys", { count: keys.length })}
        </Text>
        <List size="sm">
          {keys.map((key) => (
            <List.Item key={key.id}>
              {t("storage.keyOf", {
                id: key.id,
                user: key.username,
                host: key.hostname,
                time: key.created ? dateTime(key.created) : t("common.unknown"),
              })}
            </List.Item>
          ))}
        </List>
      </div>
    )
  );
}

/** Each request is an operation, which the list below the repositories shows. */
function Actions({ repository, name }: { repository: Repository; name: string }) {
  const api = useApi();
  const queries = useQueryClient();
  const place = { storage_path: repository.storage_path, encrypted: repository.encrypted };
  const onSettled = () => queries.invalidateQueries({ queryKey: ["operations"] });
  const check = useMutation({
    mutationFn: (read: boolean) => unwrap(api.POST("/system/check/", { body: { ...place, read_data: read } })),
    onSettled,
  });
  const unlock = useMutation({
    mutationFn: () => unwrap(api.POST("/system/unlock/", { body: place })),
    onSettled,
  });
  return (
    <Stack gap="xs">
      <Group gap="xs" role="group" aria-label={t("storage.actionsOf", { name })}>
        <Allowed to="run_backups">
          <ActionButton
            size="xs"
            variant="default"
            pending={check.isPending && !check.variables}
            onClick={() => check.mutate(false)}
          >
            {t("storage.check")}
          </ActionButton>
          <ActionButton
            size="xs"
            variant="default"
            pending={check.isPending && check.variables}
            onClick={() => check.mutate(true)}
          >
            {t("storage.checkAll")}
          </ActionButton>
        </Allowed>
        {repository.locks > 0 && (
          <Allowed to="prune_backups">
            <ActionButton size="xs" variant="default" pending={unlock.isPending} onClick={() => unlock.mutate()}>
              {t("storage.unlock")}
            </ActionButton>
          </Allowed>
        )}
      </Group>
      <RequestError error={check.error ?? unlock.error} />
    </Stack>
  );
}
