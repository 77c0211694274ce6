/** Provides the API of the EDMS, the session and the permissions of the user. */

import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";

import { type EdmsApi, type EdmsSchemas, SIGNED_OUT, type Session, sessionQuery } from "./documents";

export interface EdmsContext {
  api: EdmsApi;
  /** The address of the APIs without a trailing slash. */
  apiUrl: string;
  /** The address of the Django administration. */
  adminUrl: string;
  /** Called when the session has ended. */
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

/** Return the session. Signed out until it is loaded, which pages behind the log-in never see. */
export function useSession(): Session {
  return useQuery(sessionQuery(useEdms().api)).data ?? SIGNED_OUT;
}

export function usePermission(permission: EdmsSchemas["Permission"]): boolean {
  return useSession().permissions.includes(permission);
}
