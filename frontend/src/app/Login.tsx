/** The log-in page. */

import { Alert, Container, Paper, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { SubmitEvent } from "react";
import { Navigate, useSearchParams } from "react-router";

import { ActionButton } from "../components/ActionButton";
import { unwrap } from "../api/client";
import { textField } from "../api/formData";
import { sessionQuery } from "../api/documents";
import { PageTitle } from "../components/PageTitle";
import { Loaded } from "../components/states";
import { t } from "../i18n";
import { useEdms } from "../api/EdmsProvider";

/** Return an address of this site to continue with, or the dashboard for any other. */
function destination(next: string | null): string {
  // A browser treats a backslash as a slash, and two of them as the start of a host name.
  return next && /^\/(?![/\\]|login)/.test(next) ? next : "/";
}

/** Return whether the user comes from a restore, which may have swapped the accounts and ended all sessions. */
function isRestore(next: string | null): boolean {
  return destination(next).startsWith("/admin/backup/restores/");
}

export function Login() {
  const { api } = useEdms();
  const queries = useQueryClient();
  const [search] = useSearchParams();
  const next = search.get("next");
  const session = useQuery(sessionQuery(api));
  const signIn = useMutation({
    mutationFn: (body: { name: string; password: string }) => unwrap(api.POST("/session/", { body })),
    onSuccess: (found) => {
      // Another user must not see the data of the previous one.
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
      queries.setQueryData(["session"], found);
    },
  });
  if (session.data?.user) {
    return <Navigate to={destination(next)} replace />;
  }
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    signIn.mutate({ name: textField(given, "name"), password: textField(given, "password") });
  };
  return (
    <Container component="main" size={420} py={{ base: "lg", sm: 80 }}>
      <Text fw={700} mb="xs">
        {t("app.product")}
      </Text>
      <PageTitle text={t("app.login.title")} />
      <Loaded query={session}>
        {() => (
          <Paper withBorder p="lg">
            <form onSubmit={submit}>
              <Stack>
                {destination(next) !== "/" && (
                  <Text c="dimmed">{t(isRestore(next) ? "app.login.afterRestore" : "app.login.again")}</Text>
                )}
                {signIn.error && (
                  <Alert color="red" role="alert">
                    {signIn.error.message}
                  </Alert>
                )}
                <TextInput label={t("app.login.name")} name="name" autoComplete="username" required />
                <PasswordInput
                  label={t("app.login.password")}
                  name="password"
                  autoComplete="current-password"
                  required
                  visibilityToggleFocusable
                  visibilityToggleButtonProps={{ "aria-label": t("app.login.show") }}
                />
                <ActionButton type="submit" pending={signIn.isPending}>
                  {t("app.login.submit")}
                </ActionButton>
              </Stack>
            </form>
          </Paper>
        )}
      </Loaded>
    </Container>
  );
}
