/** The page of one restore: progress, result and the next actions. */

import { Alert, Anchor, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";

import { ApiError, type Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { restoreQuery, watchedRestoreQuery, watchTicketQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { ValueBadge } from "../../../components/badges";
import { VIEW_HEADING_ID } from "../../../components/Dialog";
import { timeOfDay } from "../../../components/format";
import { NotificationsProvider } from "../../../components/notifications";
import { SignInButton, LoadingOrError } from "../../../components/states";
import { RestoreDetails } from "./RestoreDetails";

export default function RestorePage() {
  const { uuid = "" } = useParams();
  const base = useConsolePath();
  const query = useQuery(restoreQuery(useApi(), uuid));
  const { error } = query;
  const signedOut = error instanceof ApiError && error.status === 401;
  const watched = useWatchedRestore(query.data, signedOut);
  const data = query.data && { ...query.data, ...watched };
  return (
    <NotificationsProvider>
      <Stack>
        <Anchor component={Link} to={`${base}/restore`} size="sm">
          ← {t("restore.page.back")}
        </Anchor>
        <Group gap="sm">
          <Title order={2} id={VIEW_HEADING_ID} tabIndex={-1} style={{ overflowWrap: "anywhere" }}>
            {t("restore.page.title", { name: data?.backup_reference || t("restore.page.unknownName") })}
          </Title>
          {data && <ValueBadge group="restoreStatus" value={data.status} />}
        </Group>
        {data && watched && <SignedOut restore={data} />}
        {data && error && !watched && <Stale error={error} at={new Date(query.dataUpdatedAt)} />}
        {data ? (
          <RestoreDetails restore={data} stale={error !== null && !watched} signedOut={signedOut} />
        ) : (
          <LoadingOrError query={query} />
        )}
      </Stack>
    </NotificationsProvider>
  );
}

/** Follow a restore that has signed its user out. Return what the server says of it, or undefined where it says nothing. */
function useWatchedRestore(restore: Schemas["RestoreDetail"] | undefined, signedOut: boolean) {
  const api = useApi();
  // While the page has a session: a swap may end it at any time, and so may a rollback.
  const isOpen = restore !== undefined && (isRunning(restore) || restore.rollback_state === "AVAILABLE");
  const uuid = restore?.uuid ?? "";
  const ticket = useQuery({ ...watchTicketQuery(api, uuid), enabled: isOpen && !signedOut }).data;
  const watching = signedOut && ticket !== undefined;
  const watched = useQuery({ ...watchedRestoreQuery(api, uuid, ticket ?? ""), enabled: watching });
  return watching ? watched.data : undefined;
}

const isRunning = (restore: { status: string }) => restore.status === "PENDING" || restore.status === "RUNNING";

/** Shown once the restored accounts and sessions are live. */
function SignedOut({ restore }: { restore: Schemas["RestoreDetail"] }) {
  return (
    <Alert color="blue" role="status" title={t("restore.page.signedOutTitle")}>
      <Group justify="space-between">
        <Text size="sm">{t(isRunning(restore) ? "restore.page.signedOutRunning" : "restore.page.signedOutEnded")}</Text>
        <SignInButton />
      </Group>
    </Alert>
  );
}

/** Shown while a swap leaves the page without an answer or a session. The last known state stays below. */
function Stale({ error, at }: { error: Error; at: Date }) {
  const status = error instanceof ApiError ? error.status : -1;
  const time = timeOfDay(at);
  const signedOut = status === 401;
  const text = signedOut
    ? t("restore.page.staleOut", { time })
    : status === 0 || status >= 500
      ? t("restore.page.staleBusy", { time })
      : status === 404
        ? t("restore.page.staleGone", { time })
        : t("restore.page.stale", { time, message: error.message });
  return (
    <Alert color="yellow" role="status">
      <Group justify="space-between">
        <Text size="sm">{text}</Text>
        {signedOut && <SignInButton />}
      </Group>
    </Alert>
  );
}
