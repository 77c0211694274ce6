/** Signing in. */

import { Alert, Button, Container, Paper, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { SubmitEvent } from "react";
import { Navigate, useSearchParams } from "react-router";

import { unwrap } from "../api/client";
import { textField } from "../api/formData";
import { sessionQuery } from "../api/documents";
import { PageTitle } from "../components/PageTitle";
import { Loaded } from "../components/states";
import { t } from "../i18n";
import { useEdms } from "../api/EdmsProvider";

/** An address of ours to go on to; whatever leads elsewhere is the dashboard. */
function destination(next: string | null): string {
  // A browser takes a backslash for a slash, and two of them for the name of another host.
  return next && /^\/(?![/\\]|login)/.test(next) ? next : "/";
}

/** Whether one comes from a restore, which may have put back other accounts and ended all sessions since the backup. */
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
      // What another person has seen is nobody else's business.
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
        {t("shell.product")}
      </Text>
      <PageTitle text={t("shell.login.title")} />
      <Loaded query={session}>
        {() => (
          <Paper withBorder p="lg">
            <form onSubmit={submit}>
              <Stack>
                {destination(next) !== "/" && (
                  <Text c="dimmed">{t(isRestore(next) ? "shell.login.afterRestore" : "shell.login.again")}</Text>
                )}
                {signIn.error && (
                  <Alert color="red" role="alert">
                    {signIn.error.message}
                  </Alert>
                )}
                <TextInput label={t("shell.login.name")} name="name" autoComplete="username" required />
                <PasswordInput
                  label={t("shell.login.password")}
                  name="password"
                  autoComplete="current-password"
                  required
                  visibilityToggleFocusable
                  visibilityToggleButtonProps={{ "aria-label": t("shell.login.show") }}
                />
                <Button type="submit" loading={signIn.isPending}>
                  {t("shell.login.submit")}
                </Button>
              </Stack>
            </form>
          </Paper>
        )}
      </Loaded>
    </Container>
  );
}
