/** Sending a file in pieces (tus 1.0.0), so that a break costs one piece at the most. */

import { answerOf, type Api, ApiError, type Schemas, unwrap } from "../../../api/client";

export type Upload = Schemas["Upload"];

/** Of a piece, in bytes: seconds on a slow line, and few requests on a fast one. */
export const CHUNK_BYTES = 4 * 1024 * 1024;
const TUS = { "Tus-Resumable": "1.0.0" };

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Begin an upload of a file. */
export function createUpload(api: Api, file: File): Promise<Upload> {
  const header = { "Upload-Length": file.size, "Upload-Metadata": `filename ${base64(file.name)}` };
  return unwrap(api.POST("/uploads/", { params: { header }, headers: TUS }));
}

/** How many bytes the server has. */
async function offsetOf(api: Api, uuid: string, signal: AbortSignal): Promise<number> {
  const upload = await unwrap(api.GET("/uploads/{uuid}/", { params: { path: { uuid } }, signal, headers: TUS }));
  return upload.offset;
}

/** Send what is missing of a file, piece by piece. Throws `ApiError` where it broke off; what was sent stays. */
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

/** Whether the same could work in a while: the server was not reached, was busy, or had another request at work. */
export function isRetryable(error: unknown): boolean {
  return (
    !(error instanceof ApiError) || error.status === 0 || error.status >= 500 || [409, 423, 429].includes(error.status)
  );
}
