/** The API of the EDMS: the session and documents. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Client } from "openapi-fetch";

import { unwrap } from "./client";
import type { components, paths } from "./edms";

export type EdmsApi = Client<paths>;
export type EdmsPaths = paths;
export type EdmsSchemas = components["schemas"];
export type Session = EdmsSchemas["Session"];

export const SIGNED_OUT: Session = { user: null, permissions: [] };

export const sessionQuery = (api: EdmsApi) =>
  queryOptions({ queryKey: ["session"], queryFn: () => unwrap(api.GET("/session/")), staleTime: 60_000 });

export const documentsQuery = (api: EdmsApi, query: { q?: string; page?: number; page_size?: number }) =>
  queryOptions({
    queryKey: ["documents", query],
    queryFn: () => unwrap(api.GET("/documents/", { params: { query } })),
    placeholderData: keepPreviousData,
  });

export const documentQuery = (api: EdmsApi, id: string) =>
  queryOptions({
    queryKey: ["document", id],
    queryFn: () => unwrap(api.GET("/documents/{id}/", { params: { path: { id } } })),
  });
