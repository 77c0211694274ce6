/** What one may do oneself. What one may not is not offered; the server refuses it all the same. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import type { Schemas } from "../../api/client";
import { useApi } from "../../api/ApiProvider";
import { rightsQuery } from "../../api/queries";
import { Loaded } from "../../components/states";

export type Right = Schemas["Right"];

/** Null until it is known. */
export function useMay(right: Right): boolean | null {
  return useQuery(rightsQuery(useApi())).data?.rights.includes(right) ?? null;
}

/** The name that one is signed in under; null until it is known. */
export function useOwnName(): string | null {
  return useQuery(rightsQuery(useApi())).data?.user ?? null;
}

/** What is somebody's own, as soon as it is known who it is that looks. */
export function Own({ children }: { children: (user: string) => ReactNode }) {
  const query = useQuery(rightsQuery(useApi()));
  return <Loaded query={query}>{({ user }) => children(user)}</Loaded>;
}

export function Allowed({ to, children }: { to: Right; children: ReactNode }) {
  return useMay(to) ? children : null;
}
