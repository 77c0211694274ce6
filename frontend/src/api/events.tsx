/** Events of the server, and the state of the connection. */

import { type Query, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";

import { isUnanswered, type Schemas } from "./client";
import { useApiUrl, useHeaders } from "./ApiProvider";
import { EventStream } from "./eventSourceWithHeaders";

export type EventState = Schemas["EventState"];

/**
 * "live": events arrive. "asking": no events, but polling answers. "connecting": neither, or not yet. `since` is the
 * time of the last event, heartbeat or answer.
 */
export interface Connection {
  state: "live" | "asking" | "connecting";
  since: Date | null;
}

const Context = createContext<Connection>({ state: "connecting", since: null });
const NAMES = ["job", "restore", "operation", "configuration"] as const;
const SILENCE_MS = 40_000;
/** A stream that ended is reopened after two seconds. A server without ASGI ends each one at once. */
const BREAK_MS = 8_000;
const GATHER_MS = 250;
const AGAIN_MS = 3_000;
const POLL_MS = 5_000;
const LATE_MS = 3 * POLL_MS;
const CLOSED = 2;

/** The first words of the query keys that an event makes out of date. */
const STALE: Record<(typeof NAMES)[number], string[]> = {
  job: ["jobs", "job", "status", "configurations"],
  restore: ["restores", "restore", "status"],
  operation: ["operations", "repositories", "operation", "restores", "restore"],
  configuration: ["configurations", "configuration", "status"],
};

/** Return whether the last request of a query got no answer. */
const isLeft = ({ state }: Query) => state.status === "error" && isUnanswered(state.error);

/** Listens to the events of the server, and refetches the queries that they concern. */
export function EventsProvider({ children }: { children: ReactNode }) {
  const url = useApiUrl();
  const headers = useHeaders();
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>({ state: "connecting", since: null });
  const waiting = useRef(new Set<string>());

  useEffect(() => {
    let again = 0;
    let timer = 0;
    let watchdog = 0;
    let isBroken = false;
    const lost = () => setConnection((now) => ({ ...now, state: "connecting" }));
    const expect = (ms: number) => {
      window.clearTimeout(watchdog);
      watchdog = window.setTimeout(lost, ms);
    };
    const alive = () => {
      isBroken = false;
      setConnection({ state: "live", since: new Date() });
      expect(SILENCE_MS);
    };
    const flush = () => {
      timer = 0;
      for (const key of waiting.current) {
        void queries.invalidateQueries({ queryKey: [key] });
      }
      waiting.current.clear();
    };
    const stale = (keys: string[]) => {
      alive();
      for (const key of keys) {
        waiting.current.add(key);
      }
      timer ||= window.setTimeout(flush, GATHER_MS);
    };
    const listen = () => {
      const address = url("/system/events/");
      const opened = headers ? new EventStream(address, headers) : new EventSource(address);
      opened.onopen = () => {
        alive();
        // Refetch what failed while the connection was lost. "Not found" and "not allowed" are answers.
        void queries.invalidateQueries({ predicate: isLeft });
      };
      opened.onerror = () => {
        if (opened.readyState !== CLOSED) {
          // The browser reconnects by itself. Only the first break counts: the next ones are failed attempts.
          if (!isBroken) {
            isBroken = true;
            expect(BREAK_MS);
          }
        } else {
          lost();
          // A browser closes the stream on an error status. A refetch shows whether the session has ended.
          void queries.invalidateQueries();
          again = window.setTimeout(() => (source = listen()), AGAIN_MS);
        }
      };
      for (const name of NAMES) {
        opened.addEventListener(name, () => stale(STALE[name]));
      }
      opened.addEventListener("ready", alive);
      opened.addEventListener("reset", () => {
        alive();
        void queries.invalidateQueries();
      });
      return opened;
    };
    let source = listen();
    return () => {
      source.close();
      window.clearTimeout(again);
      window.clearTimeout(timer);
      window.clearTimeout(watchdog);
    };
  }, [url, headers, queries]);

  const isAlone = connection.state !== "live";
  useEffect(() => {
    if (!isAlone) {
      // No event reports that an unanswered request would succeed now.
      const retrying = window.setInterval(() => void queries.invalidateQueries({ predicate: isLeft }), POLL_MS);
      return () => window.clearInterval(retrying);
    }
    // A proxy may hold events back for ever. Then poll every few seconds.
    const timer = window.setInterval(() => {
      const asked = Date.now();
      const isLate = ({ state, since }: Connection) => state === "asking" && asked - (since?.getTime() ?? 0) > LATE_MS;
      setConnection((now) => (isLate(now) ? { ...now, state: "connecting" } : now));
      void queries.invalidateQueries().then(() => {
        const answered = queries.getQueryCache().findAll({ type: "active" });
        if (answered.some(({ state }) => state.status === "success" && state.dataUpdatedAt >= asked)) {
          setConnection((now) => (now.state === "live" ? now : { state: "asking", since: new Date() }));
        }
      });
    }, POLL_MS);
    return () => window.clearInterval(timer);
  }, [isAlone, queries]);

  return <Context.Provider value={connection}>{children}</Context.Provider>;
}

export function useConnection(): Connection {
  return useContext(Context);
}
