/** The upload of one package: sending, paused, interrupted or complete. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";

import { useApi } from "../../../api/ApiProvider";
import { type Progress, progressOf } from "../../../api/fileUpload";
import { createUpload, isRetryable, sendChunks, type Upload } from "./tusUpload";

const PAUSES_S = [2, 5, 10, 30];

export type Sending =
  | { state: "idle" }
  | { state: "sending" | "paused" | "done"; upload: Upload; progress: Progress }
  | { state: "broken"; upload: Upload; progress: Progress; message: string; seconds: number }
  | { state: "failed"; upload: Upload | null; message: string };

/** Return the progress of an upload that is not sending. */
function stalledProgress({ name, size }: Upload, offset: number): Progress {
  return progressOf(name, offset, size, offset, performance.now());
}

export function useUpload() {
  const api = useApi();
  const queries = useQueryClient();
  const [sending, setSending] = useState<Sending>({ state: "idle" });
  const abort = useRef<AbortController | null>(null);
  const currentFile = useRef<File | null>(null);

  const run = useCallback(
    async (upload: Upload, file: File, failures: number) => {
      const controller = new AbortController();
      abort.current = controller;
      let offset = upload.offset;
      let first = null as number | null;
      const startedAt = performance.now();
      try {
        await sendChunks(api, upload.uuid, file, controller.signal, (there) => {
          first ??= there;
          offset = there;
          setSending({
            state: "sending",
            upload,
            progress: progressOf(upload.name, there, upload.size, first, startedAt),
          });
        });
        setSending({ state: "done", upload, progress: stalledProgress(upload, offset) });
        void queries.invalidateQueries({ queryKey: ["uploads"] });
      } catch (error) {
        if (controller.signal.aborted) {
          return;
        }
        const message = error instanceof Error ? error.message : String(error);
        if (!isRetryable(error)) {
          setSending({ state: "failed", upload, message });
          return;
        }
        // Progress since the last interruption makes the next delay short again.
        const moved = first !== null && offset > first;
        const next = moved ? 0 : failures;
        const seconds = PAUSES_S[Math.min(next, PAUSES_S.length - 1)] ?? 0;
        setSending({ state: "broken", upload, progress: stalledProgress(upload, offset), message, seconds });
        const timer = window.setTimeout(() => void run({ ...upload, offset }, file, next + 1), seconds * 1000);
        controller.signal.addEventListener("abort", () => window.clearTimeout(timer));
      }
    },
    [api, queries],
  );

  useEffect(() => () => abort.current?.abort(), []);

  /** Send a file. `upload` is an earlier upload to resume. */
  const start = async (file: File, upload?: Upload) => {
    currentFile.current = file;
    try {
      const startedAt = upload ?? (await createUpload(api, file));
      setSending({ state: "sending", upload: startedAt, progress: stalledProgress(startedAt, startedAt.offset) });
      await run(startedAt, file, 0);
    } catch (error) {
      setSending({ state: "failed", upload: null, message: error instanceof Error ? error.message : String(error) });
    }
  };
  const pause = () => {
    abort.current?.abort();
    setSending((now) =>
      now.state === "sending" || now.state === "broken"
        ? { state: "paused", upload: now.upload, progress: stalledProgress(now.upload, now.progress.bytes_done) }
        : now,
    );
    void queries.invalidateQueries({ queryKey: ["uploads"] });
  };
  const resume = () => {
    if ((sending.state === "paused" || sending.state === "broken") && currentFile.current) {
      abort.current?.abort();
      void start(currentFile.current, { ...sending.upload, offset: sending.progress.bytes_done });
    }
  };
  const reset = () => {
    abort.current?.abort();
    currentFile.current = null;
    setSending({ state: "idle" });
  };
  return { sending, start, pause, resume, reset };
}
