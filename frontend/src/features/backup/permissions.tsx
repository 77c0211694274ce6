/** The permissions of the user. Actions without permission are hidden; the server refuses them as well. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import type { Schemas } from "../../api/client";
import { useApi } from "../../api/ApiProvider";
import { permissionsQuery } from "../../api/queries";
import { Loaded } from "../../components/states";

export type Permission = Schemas["Right"];

/** Return null until the permissions are loaded. */
export function usePermission(right: Permission): boolean | null {
  return useQuery(permissionsQuery(useApi())).data?.rights.includes(right) ?? null;
}

/** Return the name of the user, or null until it is loaded. */
export function useUserName(): string | null {
  return useQuery(permissionsQuery(useApi())).data?.user ?? null;
}

/** Renders its children with the user name, as soon as it is loaded. */
export function WithUserName({ children }: { children: (user: string) => ReactNode }) {
  const query = useQuery(permissionsQuery(useApi()));
  return <Loaded query={query}>{({ user }) => children(user)}</Loaded>;
}

export function Allowed({ to, children }: { to: Permission; children: ReactNode }) {
  return usePermission(to) ? children : null;
}
