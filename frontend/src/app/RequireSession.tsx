/** Shows pages only to signed-in users. Others go to the log-in page, and from there back. */

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
