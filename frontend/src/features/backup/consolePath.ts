/** Where things lie in the console, seen from any of its views. */

import { createContext, useContext } from "react";
import { useLocation, useParams } from "react-router";

export const ConsolePath = createContext("");

/** The address of the console inside of the router, without a slash at its end. */
export function useConsolePath(): string {
  return useContext(ConsolePath);
}

/** The same, for the component that stands in the host's route: what its star stands for is ours. */
export function useMountPath(): string {
  const { pathname } = useLocation();
  const ours = (useParams()["*"] ?? pathname).split("/").filter(Boolean).length;
  const all = pathname.split("/").filter(Boolean);
  return all
    .slice(0, all.length - ours)
    .map((part) => `/${part}`)
    .join("");
}
