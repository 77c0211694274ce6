/** The environment of component tests: a document, and a server that is faked at the edge of the network. */

import { cleanup, configure } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, vi } from "vitest";

import { DEFAULTS, setPreferences } from "../components/preferences";
import { selectLanguage } from "../i18n";
import { RIGHTS } from "./samples";

/** Answers in place of the server. Each test defines them; any other request is an error. */
export const server = setupServer(
  http.get("*/system/rights/", () => HttpResponse.json({ user: "grace", rights: RIGHTS })),
);

/** Adds what Mantine needs and jsdom lacks. */
function addMissingBrowserFeatures() {
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
  // Fields that grow with their text measure it again when a font has loaded.
  Object.defineProperty(document, "fonts", { value: new EventTarget(), configurable: true });
}

/** A stream of events that a test sends itself. */
export class FakeEventSource extends EventTarget {
  static all: FakeEventSource[] = [];
  /** Whether new streams open. */
  static opens = true;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  /** Opens again, as the browser does by itself. */
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

// The first view of a file loads on demand, which takes a busy machine a while.
configure({ asyncUtilTimeout: 15_000 });

beforeAll(() => {
  addMissingBrowserFeatures();
  vi.stubGlobal("EventSource", FakeEventSource);
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(async () => {
  cleanup();
  server.resetHandlers();
  FakeEventSource.all = [];
  FakeEventSource.opens = true;
  sessionStorage.clear();
  localStorage.clear();
  setPreferences(DEFAULTS);
  await selectLanguage("en");
});
afterAll(() => server.close());
