/** What every page of the EDMS knows: the API, who is signed in, and what they may do. */

import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";

import { type EdmsApi, type EdmsSchemas, SIGNED_OUT, type Session, sessionQuery } from "./documents";

export interface EdmsContext {
  api: EdmsApi;
  /** Where the APIs lie, without a slash at the end. */
  apiUrl: string;
  /** Django's own administration. */
  adminUrl: string;
  /** Called when an answer says that the session has ended. */
  onSignedOut: () => void;
}

const Context = createContext<EdmsContext | null>(null);

export function EdmsProvider({ edms, children }: { edms: EdmsContext; children: ReactNode }) {
  return <Context.Provider value={edms}>{children}</Context.Provider>;
}

export function useEdms(): EdmsContext {
  const edms = useContext(Context);
  if (edms === null) {
    throw new Error("There is no EdmsProvider above this component.");
  }
  return edms;
}

/** Who is signed in; nobody until that is known, which pages behind the log-in never see. */
export function useSession(): Session {
  return useQuery(sessionQuery(useEdms().api)).data ?? SIGNED_OUT;
}

export function usePermission(permission: EdmsSchemas["Permission"]): boolean {
  return useSession().permissions.includes(permission);
}
