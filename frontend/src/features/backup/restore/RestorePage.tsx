/** The page of one restore: progress, result and the next actions. */

import { Alert, Anchor, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";

import { ApiError } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { restoreQuery } from "../../../api/queries";
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
  const { data, error } = query;
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
        {data && error && <Stale error={error} at={new Date(query.dataUpdatedAt)} />}
        {data ? <RestoreDetails restore={data} stale={error !== null} /> : <LoadingOrError query={query} />}
      </Stack>
    </NotificationsProvider>
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
