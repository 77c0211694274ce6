/** The API client. `tools/api-client` generates its types from the OpenAPI document. */

import createClient, { type Client, type Middleware } from "openapi-fetch";

import { currentLanguage, t } from "../i18n";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Api = Client<paths>;
/**
 * Headers that a page sends with every request, such as a token. Called before each request, so that it can be
 * renewed.
 */
export type Headers = () => Record<string, string> | Promise<Record<string, string>>;

const CHANGING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** A failed request: the problem that the server reported, or status 0 when the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem | null,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Return the error of one field, if there is one. */
  field(name: string): string | undefined {
    return this.problem?.errors.find((one) => one.field === name || one.field.startsWith(`${name}.`))?.message;
  }
}

/** Return the CSRF token, which Django requires for every change with a session. */
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

/**
 * Create a client for the API below `baseUrl`. `onSignedOut` is called on every answer with status 401. `headers` are
 * sent along; without them, the session of a page of the same origin counts.
 */
export function connect<Paths extends object>(
  baseUrl: string,
  onSignedOut?: () => void,
  headers?: Headers,
): Client<Paths> {
  const client = createClient<Paths>({ baseUrl, credentials: "same-origin" });
  client.use(csrf, {
    async onRequest({ request }) {
      request.headers.set("Accept-Language", currentLanguage());
      for (const [name, value] of Object.entries((await headers?.()) ?? {})) {
        request.headers.set(name, value);
      }
      return request;
    },
    onResponse({ response }) {
      if (response.status === 401) {
        onSignedOut?.();
      }
    },
  });
  return client;
}

/** Create a client for the API of the backup system. */
export function createApi(baseUrl: string, onSignedOut?: () => void, headers?: Headers): Api {
  return connect<paths>(baseUrl, onSignedOut, headers);
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "detail" in value && "status" in value;
}

/** Return the answer, with any status. Throws `ApiError` when there is none. */
export function answerOf<T>(asked: Promise<T>): Promise<T> {
  return asked.catch(() => {
    // Each browser words the reason in its own way, and none knows whether the request had arrived.
    throw new ApiError(0, null, t("common.unreached"));
  });
}

/** Return whether a retry may succeed: the server was not reached, or could not answer. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

/** Return the data of a successful answer. Throws `ApiError` for all other answers. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  const answer = await answerOf(asked);
  if (answer.response.ok) {
    return answer.data as T;
  }
  const problem = isProblem(answer.error) ? answer.error : null;
  const message = problem?.detail ?? `${answer.response.status} ${answer.response.statusText}`;
  throw new ApiError(answer.response.status, problem, message);
}
