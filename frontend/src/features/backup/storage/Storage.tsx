/** The storage: its space, its repositories, and what can be done for them. */

import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { operationsQuery, repositoriesQuery, statisticsQuery } from "../../../api/queries";
import { ActionButton } from "../../../components/ActionButton";
import { Dialog, RequestError } from "../../../components/Dialog";
import { useRelativeTime } from "../../../components/relativeTime";
import { Section } from "../../../components/Section";
import { EmptyState, Loaded } from "../../../components/states";
import { t } from "../../../i18n";
import { OperationList } from "../operations/OperationItem";
import { StorageGrowth } from "../overview/StorageGrowth";
import { Allowed } from "../permissions";
import { RepositoryCard } from "./RepositoryCard";

/** The days of the overview, whose answer the browser then has already. */
const DAYS = 60;
const KINDS: ReadonlySet<string> = new Set(["PRUNE", "CHECK", "UNLOCK"]);
const LATEST_OPERATIONS = 50;
const SHOWN_OPERATIONS = 8;
const PRUNE_ID = "prune";

export default function Storage() {
  const api = useApi();
  const ago = useRelativeTime();
  const repositories = useQuery(repositoriesQuery(api));
  const statistics = useQuery(statisticsQuery(api, DAYS));
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2}>{t("storage.title")}</Title>
          <Text c="dimmed">{t("storage.intro")}</Text>
        </div>
        <PruneButtons />
      </Group>
      <Loaded query={statistics}>{({ growth }) => <StorageGrowth growth={growth} />}</Loaded>
      <Loaded query={repositories}>
        {({ repositories: found, measured_at: at }) => (
          <>
            {found.length === 0 && (
              <EmptyState title={t("storage.emptyTitle")}>
                <Text>{t("storage.emptyText")}</Text>
              </EmptyState>
            )}
            {found.map((one) => (
              <RepositoryCard key={`${one.storage_path} ${one.encrypted}`} repository={one} />
            ))}
            <Text size="xs" c="dimmed">
              {t("storage.measured", { time: ago(at) })}
            </Text>
          </>
        )}
      </Loaded>
      <StorageOperations />
    </Stack>
  );
}

/** Frees the space of removed backups, or forecasts it. */
function PruneButtons() {
  const api = useApi();
  const queries = useQueryClient();
  const [isOpen, { open, close }] = useDisclosure(false);
  const prune = useMutation({
    mutationFn: (forecast: boolean) => unwrap(api.POST("/system/prune/", { body: { force: true, dry_run: forecast } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["operations"] }),
  });
  return (
    <Allowed to="prune_backups">
      <Stack gap="xs">
        <Group gap="xs">
          <ActionButton variant="default" pending={prune.isPending} onClick={() => prune.mutate(true)}>
            {t("storage.forecast")}
          </ActionButton>
          <Button id={PRUNE_ID} onClick={open}>
            {t("storage.prune")}
          </Button>
        </Group>
        <RequestError error={prune.error} />
      </Stack>
      <Dialog title={t("storage.pruneTitle")} opened={isOpen} onClose={close} returnTo={PRUNE_ID}>
        <Stack>
          <Text size="sm">{t("storage.pruneText")}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              {t("common.cancel")}
            </Button>
            <Button
              onClick={() => {
                close();
                prune.mutate(false);
              }}
            >
              {t("storage.pruneDo")}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </Allowed>
  );
}

function StorageOperations() {
  const query = useQuery(operationsQuery(useApi(), { limit: LATEST_OPERATIONS }));
  const found = query.data?.results.filter((one) => KINDS.has(one.kind)).slice(0, SHOWN_OPERATIONS) ?? [];
  return (
    found.length > 0 && (
      <Section title={t("storage.operations")}>
        <OperationList operations={found} withSubject />
      </Section>
    )
  );
}
