/** What one may do oneself. What one may not is not offered; the server refuses it all the same. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import type { Schemas } from "../../api/client";
import { useApi } from "../../api/ApiProvider";
import { permissionsQuery } from "../../api/queries";
import { Loaded } from "../../components/states";

export type Permission = Schemas["Right"];

/** Null until it is known. */
export function usePermission(right: Permission): boolean | null {
  return useQuery(permissionsQuery(useApi())).data?.rights.includes(right) ?? null;
}

/** The name that one is signed in under; null until it is known. */
export function useUserName(): string | null {
  return useQuery(permissionsQuery(useApi())).data?.user ?? null;
}

/** What is somebody's own, as soon as it is known who it is that looks. */
export function WithUserName({ children }: { children: (user: string) => ReactNode }) {
  const query = useQuery(permissionsQuery(useApi()));
  return <Loaded query={query}>{({ user }) => children(user)}</Loaded>;
}

export function Allowed({ to, children }: { to: Permission; children: ReactNode }) {
  return usePermission(to) ? children : null;
}
