import { http, HttpResponse } from "msw";
import { expect, it } from "vitest";

import { ApiError, createApi } from "../../../api/client";
import { API } from "../../../testing/render";
import { server } from "../../../testing/setup";
import { createUpload, isRetryable, CHUNK_BYTES, sendChunks } from "./tusUpload";

const UPLOAD = {
  uuid: "88888888-8888-4888-8888-888888888888",
  name: "Päckchen.tar.gz",
  size: CHUNK_BYTES + 10,
  created_at: "",
};

/** A server that has received some bytes, and interrupts as often as it is told. */
function receiver(there: number, breaks: number) {
  const got = { offset: there, named: "", pieces: [] as number[] };
  let left = breaks;
  server.use(
    http.post(`${API}/uploads/`, ({ request }) => {
      got.named = request.headers.get("Upload-Metadata") ?? "";
      return HttpResponse.json({ ...UPLOAD, offset: 0 }, { status: 201 });
    }),
    http.get(`${API}/uploads/${UPLOAD.uuid}/`, () => HttpResponse.json({ ...UPLOAD, offset: got.offset })),
    http.patch(`${API}/uploads/${UPLOAD.uuid}/`, async ({ request }) => {
      expect(Number(request.headers.get("Upload-Offset"))).toBe(got.offset);
      expect(request.headers.get("Content-Type")).toBe("application/offset+octet-stream");
      const { byteLength } = await request.arrayBuffer();
      if (left > 0) {
        left -= 1;
        return HttpResponse.error();
      }
      got.offset += byteLength;
      got.pieces.push(byteLength);
      return new HttpResponse(null, { status: 204, headers: { "Upload-Offset": String(got.offset) } });
    }),
  );
  return got;
}

const file = new File([new Uint8Array(UPLOAD.size)], UPLOAD.name);

it("sends a file in chunks under its name, and reports the progress", async () => {
  const got = receiver(0, 0);
  const told: number[] = [];
  const api = createApi(API);
  const upload = await createUpload(api, file);
  await sendChunks(api, upload.uuid, file, new AbortController().signal, (offset) => told.push(offset));
  const [, name = ""] = got.named.split(" ");
  expect(new TextDecoder().decode(Uint8Array.from(atob(name), (one) => one.charCodeAt(0)))).toBe(UPLOAD.name);
  expect(got.pieces).toEqual([CHUNK_BYTES, 10]);
  expect(told).toEqual([0, CHUNK_BYTES, UPLOAD.size]);
});

it("treats an interruption as retryable, and resumes where the server is", async () => {
  const got = receiver(CHUNK_BYTES, 1);
  const api = createApi(API);
  const again = () => sendChunks(api, UPLOAD.uuid, file, new AbortController().signal, () => {});
  const broken: unknown = await again().catch((error: unknown) => error);
  expect(isRetryable(broken)).toBe(true);
  await again();
  expect(got.pieces).toEqual([10]);
});

it("does not retry a refusal", () => {
  expect(isRetryable(new ApiError(413, null, "A package may have 5 bytes."))).toBe(false);
  expect(isRetryable(new ApiError(503, null, "Busy."))).toBe(true);
});
