/** What the tests of components stand on: a document, and no server but the one at the edge of the network. */

import { cleanup, configure } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, vi } from "vitest";

import { RIGHTS } from "./samples";

/** Answers in the place of the server; each test says what. What no test has foreseen is an error. */
export const server = setupServer(
  http.get("*/system/rights/", () => HttpResponse.json({ user: "grace", rights: RIGHTS })),
);

/** What jsdom has not and Mantine looks for. */
function furnish() {
  window.matchMedia = (query) =>
    ({
      matches: false,
      media: query,
      addEventListener: () => {},
      removeEventListener: () => {},
      onchange: null,
      dispatchEvent: () => false,
    }) as unknown as MediaQueryList;
  window.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  window.HTMLElement.prototype.scrollIntoView = () => {};
  window.scrollTo = () => {};
  // Fields that grow with their text measure it again when a font has come.
  Object.defineProperty(document, "fonts", { value: new EventTarget(), configurable: true });
}

/** A stream of events that a test sends itself. */
export class FakeEventSource extends EventTarget {
  static all: FakeEventSource[] = [];
  /** Whether those that are made open. */
  static opens = true;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  /** As of one that the browser opens again by itself. */
  get readyState() {
    return 0;
  }
  constructor(readonly url: string) {
    super();
    FakeEventSource.all.push(this);
    queueMicrotask(() => FakeEventSource.opens && this.onopen?.());
  }
  close() {}
}

// The first view of a file is loaded when it is shown, which takes a busy machine a while.
configure({ asyncUtilTimeout: 15_000 });

beforeAll(() => {
  furnish();
  vi.stubGlobal("EventSource", FakeEventSource);
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(() => {
  cleanup();
  server.resetHandlers();
  FakeEventSource.all = [];
  FakeEventSource.opens = true;
  sessionStorage.clear();
  localStorage.clear();
});
afterAll(() => server.close());
