/** Starts a browser, and checks each view for problems that no story is about. */

import type axe from "axe-core";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { type Browser, chromium, type Locator, type Page } from "playwright-core";

import { ADMINISTRATOR, ROOT } from "./edms";

export const SCHEMES = ["light", "dark"] as const;
export const SIZE = { width: 1280, height: 900 };
/** The most bytes of scripts that a first view may load. */
export const FIRST_LOAD_BYTES = 250_000;

/**
 * The measurements of the browser in milliseconds. `cls` is the share of the page that moved. `longest` is the longest
 * blocking time, or 0 when no block took more than 50 ms.
 */
interface Vitals {
  lcp: number;
  cls: number;
  inp: number;
  longest: number;
}

declare global {
  interface Window {
    vitals: Vitals;
    axe: typeof axe;
  }
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    // A sandbox inside a container needs privileges that containers lack. The browser opens only our own pages.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

/** Opens a page with its own session. `wrong` collects its errors, such as those of scripts. */
export async function open(browser: Browser, size = SIZE): Promise<{ page: Page; wrong: string[] }> {
  const context = await browser.newContext({
    viewport: size,
    reducedMotion: "reduce",
    locale: "en-GB",
    acceptDownloads: true,
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  await page.addInitScript(observe);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      wrong.push(message.text());
    }
  });
  return { page, wrong };
}

/** Signs a user in on the log-in page, the administrator by default. */
export async function signIn(page: Page, name = ADMINISTRATOR.name): Promise<void> {
  await page.getByLabel("User name").fill(name);
  await page.getByRole("textbox", { name: "Password" }).fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Signs the administrator in with keys alone. */
export async function signInByKeys(page: Page): Promise<void> {
  await press(page.getByLabel("User name"), "Tab", ADMINISTRATOR.name);
  await page.keyboard.type(ADMINISTRATOR.password);
  await page.keyboard.press("Enter");
}

/** Focuses an element as soon as it exists, types, and presses a key. No pointer touches it. */
export async function press(on: Locator, key = "Enter", text = ""): Promise<void> {
  await on.focus();
  await on.page().keyboard.type(text);
  await on.page().keyboard.press(key);
}

/** Returns the size of all scripts loaded so far, as a compressing server sends them. */
export async function scriptBytes(page: Page): Promise<number> {
  const loaded = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
  const sizes = loaded
    .filter((name) => name.endsWith(".js"))
    .map(async (name) => gzipSync(await (await page.request.get(name)).body()).length);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Returns the field for the name that a dialog or a form asks for, and that name. */
export async function nameConfirmation(page: Page): Promise<{ field: Locator; name: string }> {
  const field = page.getByRole("textbox", { name: /^Type the name/ });
  const said = (await field.getAttribute("aria-describedby"))?.split(" ").find((id) => id.endsWith("-description"));
  return { field, name: (await page.locator(`[id="${said}"]`).textContent()) ?? "" };
}

/** Types the name that a dialog or a form asks for, and confirms. */
export async function confirm(page: Page, button: string): Promise<void> {
  const { field, name } = await nameConfirmation(page);
  await field.fill(name);
  await page.getByRole("button", { name: button, exact: true }).click();
}

function observe(): void {
  const vitals = { lcp: 0, cls: 0, inp: 0, longest: 0 };
  window.vitals = vitals;
  const watch = (type: string, note: (entry: PerformanceEntry) => void, more = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, ...more });
  watch("largest-contentful-paint", (entry) => (vitals.lcp = entry.startTime));
  watch("layout-shift", (entry) => {
    const shift = entry as PerformanceEntry & { value: number; hadRecentInput: boolean };
    vitals.cls += shift.hadRecentInput ? 0 : shift.value;
  });
  watch("longtask", (entry) => (vitals.longest = Math.max(vitals.longest, entry.duration)));
  watch(
    "event",
    (entry) => {
      const { interactionId = 0 } = entry as PerformanceEntry & { interactionId?: number };
      vitals.inp = Math.max(vitals.inp, interactionId ? entry.duration : 0);
    },
    { durationThreshold: 16 },
  );
}

/** The measurements of each view. They are kept in a file. */
export class Report {
  private readonly views: Record<string, Record<string, number>> = {};

  /** Records the measurements since the page was loaded or last recorded, and adds `more`. */
  async note(page: Page, view: string, more: Record<string, number> = {}): Promise<Vitals> {
    const vitals = await page.evaluate(() => {
      const seen = { ...window.vitals };
      Object.assign(window.vitals, { cls: 0, inp: 0, longest: 0 });
      return seen;
    });
    this.views[view] = { ...vitals, ...more };
    return vitals;
  }

  /** Adds the measurements to those that other stories have recorded. */
  write(): void {
    const folder = join(ROOT, "var/reports");
    const file = join(folder, "console.json");
    mkdirSync(folder, { recursive: true });
    const others = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as object) : {};
    writeFileSync(file, `${JSON.stringify({ ...others, ...this.views }, null, 1)}\n`);
  }
}
