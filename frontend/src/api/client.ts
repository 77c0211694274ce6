/** The API, with types that are made from its OpenAPI document: `tools/api-client` makes them anew. */

import createClient, { type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

const CHANGING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** What Django wants to see with every change that a session makes. */
function csrfToken(): string {
  const found = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie);
  return found?.[1] ?? "";
}

const csrf: Middleware = {
  onRequest({ request }) {
    if (CHANGING.has(request.method)) {
      request.headers.set("X-CSRFToken", csrfToken());
    }
    return request;
  },
};

/** A client of the API below `baseUrl`, for pages of the same origin. */
export function createApi(baseUrl = "/api/v1/backup") {
  const client = createClient<paths>({ baseUrl, credentials: "same-origin" });
  client.use(csrf);
  return client;
}
