/** What only those see who are signed in; everybody else is led to the log-in, and from there back to where they were. */

import { Container } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Navigate, Outlet, useLocation } from "react-router";

import { sessionQuery } from "../api/documents";
import { Loaded } from "../components/states";
import { useEdms } from "../api/EdmsProvider";

export function RequireSession() {
  const session = useQuery(sessionQuery(useEdms().api));
  const { pathname, search } = useLocation();
  if (session.data?.user) {
    return <Outlet />;
  }
  return (
    <Container py="xl">
      <Loaded query={session}>
        {() => <Navigate to={`/login?${new URLSearchParams({ next: pathname + search })}`} replace />}
      </Loaded>
    </Container>
  );
}
