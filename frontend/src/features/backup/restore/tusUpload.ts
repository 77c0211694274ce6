/** Uploads a file in chunks (tus 1.0.0), so that an interruption costs one chunk at most. */

import { answerOf, type Api, ApiError, type Schemas, unwrap } from "../../../api/client";

export type Upload = Schemas["Upload"];

/** The size of a chunk: seconds on a slow connection, and few requests on a fast one. */
export const CHUNK_BYTES = 4 * 1024 * 1024;
const TUS = { "Tus-Resumable": "1.0.0" };

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Create an upload for a file. */
export function createUpload(api: Api, file: File): Promise<Upload> {
  const header = { "Upload-Length": file.size, "Upload-Metadata": `filename ${base64(file.name)}` };
  return unwrap(api.POST("/uploads/", { params: { header }, headers: TUS }));
}

/** Return how many bytes the server has. */
async function offsetOf(api: Api, uuid: string, signal: AbortSignal): Promise<number> {
  const upload = await unwrap(api.GET("/uploads/{uuid}/", { params: { path: { uuid } }, signal, headers: TUS }));
  return upload.offset;
}

/** Send the rest of a file, chunk by chunk. Throws `ApiError` on an interruption; the sent chunks stay. */
export async function sendChunks(
  api: Api,
  uuid: string,
  file: File,
  signal: AbortSignal,
  onProgress: (offset: number) => void,
): Promise<void> {
  let offset = await offsetOf(api, uuid, signal);
  onProgress(offset);
  while (offset < file.size) {
    const piece = file.slice(offset, offset + CHUNK_BYTES);
    const patch = api.PATCH("/uploads/{uuid}/", {
      params: { path: { uuid }, header: { "Upload-Offset": offset } },
      headers: { ...TUS, "Content-Type": "application/offset+octet-stream" },
      body: "",
      bodySerializer: () => piece,
      signal,
    });
    const asked = await answerOf(patch);
    await unwrap(Promise.resolve(asked));
    offset = Number(asked.response.headers.get("Upload-Offset") ?? offset + piece.size);
    onProgress(offset);
  }
}

/** Return whether a retry may succeed: the server was unreachable or busy, or handled another request. */
export function isRetryable(error: unknown): boolean {
  return (
    !(error instanceof ApiError) || error.status === 0 || error.status >= 500 || [409, 423, 429].includes(error.status)
  );
}
