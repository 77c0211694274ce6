/** Where things lie in the console, seen from any of its views. */

import { useResolvedPath } from "react-router";

export function useConsolePath(): string {
  return useResolvedPath("..").pathname.replace(/\/$/, "");
}
