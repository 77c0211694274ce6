/** The API, with types that are made from its OpenAPI document: `tools/api-client` makes them anew. */

import createClient, { type Client, type Middleware } from "openapi-fetch";

import { t } from "../i18n";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Api = Client<paths>;
/** What a page sends with every request, such as a token; asked for anew each time, so that it can be renewed. */
export type Headers = () => Record<string, string> | Promise<Record<string, string>>;

const CHANGING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** What went wrong: the server's own problem, or that the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem | null,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** What the server says of one field, or nothing. */
  field(name: string): string | undefined {
    return this.problem?.errors.find((one) => one.field === name || one.field.startsWith(`${name}.`))?.message;
  }
}

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

/** A client of an API below `baseUrl`. `onSignedOut` is called whenever an answer says that nobody is signed in; `headers` are
 * sent along. Without these it is the session of a page of the same origin that counts. */
export function connect<Paths extends object>(
  baseUrl: string,
  onSignedOut?: () => void,
  headers?: Headers,
): Client<Paths> {
  const client = createClient<Paths>({ baseUrl, credentials: "same-origin" });
  client.use(csrf, {
    async onRequest({ request }) {
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

/** A client of the API of backups. */
export function createApi(baseUrl: string, onSignedOut?: () => void, headers?: Headers): Api {
  return connect<paths>(baseUrl, onSignedOut, headers);
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "detail" in value && "status" in value;
}

/** An answer, whatever it is. Throws `ApiError` where there is none. */
export function answerOf<T>(asked: Promise<T>): Promise<T> {
  return asked.catch(() => {
    // Why, every browser says in words of its own, and none of them knows whether the question had arrived.
    throw new ApiError(0, null, t("common.unreached"));
  });
}

/** Whether the same may be answered in a while: the server was not reached, or could not answer. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

/** The data of an answer. Throws `ApiError` for every other. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  const answer = await answerOf(asked);
  if (answer.response.ok) {
    return answer.data as T;
  }
  const problem = isProblem(answer.error) ? answer.error : null;
  const message = problem?.detail ?? `${answer.response.status} ${answer.response.statusText}`;
  throw new ApiError(answer.response.status, problem, message);
}
