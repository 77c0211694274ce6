/** File uploads with their progress. `fetch` does not report progress; `XMLHttpRequest` does. */

import type { Schemas } from "./client";

export type Progress = Schemas["Progress"];

const NO_BODY = new Set([204, 205, 304]);

/**
 * Return the progress of an upload. `before` bytes were sent when this stretch began, at `startedAt` of `performance`.
 */
export function progressOf(name: string, done: number, total: number, before: number, startedAt: number): Progress {
  const seconds = (performance.now() - startedAt) / 1000;
  // The first half second is too short for an estimate.
  const rate = done > before && seconds > 0.5 ? (done - before) / seconds : null;
  return {
    phase: name,
    files_done: 0,
    bytes_done: done,
    bytes_total: total,
    bytes_per_second: rate,
    eta_seconds: rate === null ? null : (total - done) / rate,
  };
}

/**
 * Return options for an API call that sends a form with a file and reports its progress. The schema types the file as
 * text.
 */
export function withFile(file: File, tell: (progress: Progress) => void, signal: AbortSignal) {
  const form = new FormData();
  return {
    signal,
    bodySerializer: (fields: Record<string, string | undefined>): FormData => {
      for (const [name, value] of Object.entries(fields)) {
        if (value !== undefined && value !== "") {
          form.set(name, value);
        }
      }
      form.set("file", file);
      return form;
    },
    fetch: (request: Request) => exchange(request, form, tell, file.name),
  };
}

/** Send a form and return the answer. Rejects as `fetch` does. */
function exchange(
  request: Request,
  form: FormData,
  tell: (progress: Progress) => void,
  name: string,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    const startedAt = performance.now();
    sent.open(request.method, request.url);
    request.headers.forEach((value, header) => {
      // The form sets its own content type, with the boundary between its parts.
      if (header !== "content-type") {
        sent.setRequestHeader(header, value);
      }
    });
    sent.upload.onprogress = ({ loaded, total }) => tell(progressOf(name, loaded, total, 0, startedAt));
    sent.onload = () => {
      const { status, statusText } = sent;
      resolve(
        new Response(NO_BODY.has(status) ? null : sent.responseText, { status, statusText, headers: headersOf(sent) }),
      );
    };
    sent.onerror = () => reject(new TypeError("The server was not reached."));
    sent.onabort = () => reject(new DOMException("The upload was stopped.", "AbortError"));
    request.signal.addEventListener("abort", () => sent.abort());
    sent.send(form);
  });
}

function headersOf(sent: XMLHttpRequest): Headers {
  const lines = sent
    .getAllResponseHeaders()
    .trim()
    .split(/[\r\n]+/);
  return new Headers(
    lines.filter(Boolean).map((line): [string, string] => {
      const [name = "", ...value] = line.split(": ");
      return [name, value.join(": ")];
    }),
  );
}
