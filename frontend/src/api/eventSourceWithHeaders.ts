/** Server-sent events over `fetch`, which sends headers. An `EventSource` sends none, and so no token. */

import type { Headers } from "./client";

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;
const PAUSE_MS = 2_000;

/** The part of `EventSource` that this console uses: reconnects with the last id, and closes on an error status. */
export class EventStream extends EventTarget {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readyState = CONNECTING;
  private readonly ended = new AbortController();
  private lastId = "";
  private pause = PAUSE_MS;

  constructor(
    private readonly url: string,
    private readonly headers: Headers,
  ) {
    super();
    void this.run();
  }

  close(): void {
    this.readyState = CLOSED;
    this.ended.abort();
  }

  private async run(): Promise<void> {
    while (this.readyState !== CLOSED) {
      await this.listen().catch(() => {});
      if (this.ended.signal.aborted) {
        return;
      }
      this.onerror?.();
      if (this.readyState !== CLOSED) {
        await new Promise((done) => setTimeout(done, this.pause));
      }
    }
  }

  /** Read one answer to its end. */
  private async listen(): Promise<void> {
    this.readyState = CONNECTING;
    const headers = new globalThis.Headers(await this.headers());
    headers.set("Accept", "text/event-stream");
    if (this.lastId) {
      headers.set("Last-Event-ID", this.lastId);
    }
    const { signal } = this.ended;
    const answer = await fetch(this.url, { headers, signal, cache: "no-store", credentials: "same-origin" });
    if (!answer.ok || answer.body === null) {
      this.readyState = CLOSED;
      return;
    }
    this.readyState = OPEN;
    this.onopen?.();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const blocks = (rest + piece.value).split("\n\n");
      rest = blocks.pop() ?? "";
      blocks.forEach((block) => this.take(block));
    }
    this.readyState = CONNECTING;
  }

  /** Handle one event or heartbeat. */
  private take(block: string): void {
    const fields = new Map(
      block.split("\n").map((line): [string, string] => {
        const [name = "", ...value] = line.split(":");
        return [name, value.join(":").replace(/^ /, "")];
      }),
    );
    this.lastId = fields.get("id") ?? this.lastId;
    this.pause = Number(fields.get("retry") ?? this.pause);
    const data = fields.get("data");
    if (data !== undefined) {
      this.dispatchEvent(new MessageEvent(fields.get("event") ?? "message", { data, lastEventId: this.lastId }));
    }
  }
}
