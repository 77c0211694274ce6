/** The addresses of the console. */

import { createContext, useContext } from "react";
import { useLocation, useParams } from "react-router";

export const ConsolePath = createContext("");

/** Return the address of the console inside the router without a trailing slash. */
export function useConsolePath(): string {
  return useContext(ConsolePath);
}

/** Return the same address for the component in the route of the host, whose `*` stands for the console's part. */
export function useMountPath(): string {
  const { pathname } = useLocation();
  const ours = (useParams()["*"] ?? pathname).split("/").filter(Boolean).length;
  const all = pathname.split("/").filter(Boolean);
  return all
    .slice(0, all.length - ours)
    .map((part) => `/${part}`)
    .join("");
}
