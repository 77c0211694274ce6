/** What every page of the EDMS knows: the API, who is signed in, and what they may do. */

import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";

import { type EdmsApi, type EdmsSchemas, NOBODY, type Session, sessionQuery } from "./documents";

export interface Place {
  api: EdmsApi;
  /** Where the APIs lie, without a slash at the end. */
  apiUrl: string;
  /** Django's own administration. */
  adminUrl: string;
  /** Called when an answer says that the session has ended. */
  onSignedOut: () => void;
}

const Context = createContext<Place | null>(null);

export function PlaceProvider({ place, children }: { place: Place; children: ReactNode }) {
  return <Context.Provider value={place}>{children}</Context.Provider>;
}

export function usePlace(): Place {
  const place = useContext(Context);
  if (place === null) {
    throw new Error("There is no PlaceProvider above this component.");
  }
  return place;
}

/** Who is signed in; nobody until that is known, which pages behind the log-in never see. */
export function useSession(): Session {
  return useQuery(sessionQuery(usePlace().api)).data ?? NOBODY;
}

export function useMay(permission: EdmsSchemas["Permission"]): boolean {
  return useSession().permissions.includes(permission);
}
