/** The states of a query: loading, empty, failed and out of date. */

import { Alert, Button, Center, Loader, Stack, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { ApiError } from "../api/client";
import { useConnection } from "../api/events";
import { t } from "../i18n";
import { timeOfDay } from "./format";

export function Loading() {
  return (
    <Center py="xl" role="status" aria-live="polite">
      <Loader size="sm" mr="sm" aria-hidden />
      <Text>{t("common.loading")}</Text>
    </Center>
  );
}

/** `order` is the level of the heading, one below that of the empty section. */
export function EmptyState({ title, order = 3, children }: { title: string; order?: 2 | 3 | 4; children?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl">
      <Title order={order} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

/** Reloads the page, which leads to its own log-in. */
export function SignInButton() {
  return (
    <Button mt="sm" size="xs" onClick={() => window.location.reload()}>
      {t("common.signIn")}
    </Button>
  );
}

interface ErrorAlertProps {
  error: Error;
  onRetry?: () => void;
  /** Whether a retry is running. */
  isRetrying?: boolean;
}

/** The reason of a failed request: signed out, no permission, server unreachable, or the message of the server. */
export function ErrorAlert({ error, onRetry, isRetrying = false }: ErrorAlertProps) {
  const status = error instanceof ApiError ? error.status : -1;
  const problem = error instanceof ApiError ? error.problem : null;
  const known: Record<number, [string, string]> = {
    0: [t("common.offlineTitle"), t("common.offlineText")],
    401: [t("common.signedOutTitle"), t("common.signedOutText")],
    403: [t("common.forbiddenTitle"), problem?.detail ?? t("common.forbiddenText")],
  };
  const [title, text] = known[status] ?? [t("common.errorTitle"), error.message];
  return (
    <Alert color={status === 403 ? "gray" : "red"} title={title} role="alert">
      <Text>{text}</Text>
      {problem && status !== 401 && status !== 403 && (
        <Text size="sm" mt="xs">
          {t("common.errorId", { id: problem.id })}
        </Text>
      )}
      {status === 401 && <SignInButton />}
      {onRetry && status !== 403 && status !== 401 && (
        <Button
          mt="sm"
          size="xs"
          variant="default"
          onClick={onRetry}
          aria-busy={isRetrying}
          leftSection={isRetrying && <Loader size={12} aria-hidden />}
        >
          {t("common.retry")}
        </Button>
      )}
    </Alert>
  );
}

/**
 * Stands for a query without data: loading, or the error. The error stays during a retry, so that the user can read on
 * and its button keeps the focus.
 */
export function LoadingOrError({
  query,
}: {
  query: Pick<UseQueryResult, "error" | "errorUpdatedAt" | "isFetching" | "refetch">;
}) {
  const { error, errorUpdatedAt: at, isFetching, refetch } = query;
  const [last, setLast] = useState({ error, at });
  if (error !== null && error !== last.error) {
    setLast({ error, at });
  }
  const reason = error ?? (last.at === at ? last.error : null);
  return reason ? <ErrorAlert error={reason} onRetry={() => void refetch()} isRetrying={isFetching} /> : <Loading />;
}

/** The data of a query, or its loading and error states. Data that was shown stays during a refetch. */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  if (query.data === undefined) {
    return <LoadingOrError query={query} />;
  }
  return (
    <>
      {query.error && (
        <ErrorAlert error={query.error} onRetry={() => void query.refetch()} isRetrying={query.isFetching} />
      )}
      {children(query.data)}
    </>
  );
}

/** Reports a lost connection and its time. Not shown while polling works without events. */
export function ConnectionBanner() {
  const { state, since } = useConnection();
  if (state !== "connecting" || since === null) {
    return null;
  }
  return (
    <Alert color="yellow" role="status" mb="md" py="xs">
      {t("common.staleBanner", { time: timeOfDay(since) })}
    </Alert>
  );
}
