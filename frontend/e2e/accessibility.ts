/** Checks the accessibility of a view: the rules of axe, the widths at which it fits, and the reach of the keyboard. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { RunOptions } from "axe-core";
import type { Page } from "playwright-core";

import { SIZE } from "./browser";
import { IN_PAGE } from "./pageChecks";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** All rules that are enabled by default, best practices included, and the target size of WCAG 2.2. */
const ALL: RunOptions = { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } };
const COLOURS: RunOptions = { resultTypes: ["violations"], runOnly: ["color-contrast"] };

interface Sight {
  scheme: "light" | "dark";
  /** Zoom factors. A larger factor leaves less room for the page. */
  zoom: number;
  rules: RunOptions;
}

const SIGHTS: Sight[] = [
  { scheme: "light", zoom: 1, rules: ALL },
  // Light and dark show the same page in other colours. So each size runs all rules once, and each scheme the colour
  // rules.
  { scheme: "dark", zoom: 1, rules: COLOURS },
  { scheme: "dark", zoom: 2, rules: ALL },
  { scheme: "light", zoom: 2, rules: COLOURS },
];

/** Returns the problems of the current page, for the eyes and for the keyboard. An empty list is a pass. */
export async function checkAccessibility(page: Page): Promise<string[]> {
  await settled(page);
  const found: string[] = [];
  await page.evaluate(AXE);
  for (const { scheme, zoom, rules } of SIGHTS) {
    await resize(page, { width: SIZE.width / zoom, height: SIZE.height / zoom });
    await show(page, scheme);
    // The keyboard order is the same in both schemes.
    const stops = scheme === "light" ? await walk(page) : [];
    const seen = [...stops, ...(await axe(page, rules)), ...(await fit(page))];
    found.push(...seen.map((text) => `${scheme}, ${zoom * 100} %: ${text}`));
  }
  await resize(page, SIZE);
  return found;
}

/** Returns the elements that do not fit a page of that width, in CSS pixels. */
export async function overflowingElements(page: Page, width: number): Promise<string[]> {
  await settled(page);
  await resize(page, { width, height: SIZE.height });
  const found = await fit(page);
  await resize(page, SIZE);
  return found.map((text) => `${width} wide: ${text}`);
}

/** Returns the elements that become invisible in forced colours, or do not show their focus there. */
export async function forcedColourProblems(page: Page): Promise<string[]> {
  await settled(page);
  await page.evaluate(IN_PAGE);
  await page.evaluate("lostInForcedColours()");
  await page.emulateMedia({ forcedColors: "active" });
  const found = [...(await page.evaluate<string[]>("lostInForcedColours()")), ...(await walk(page))];
  await page.emulateMedia({ forcedColors: null });
  return found;
}

/** Walks through the page, or around the open dialog, with Tab. */
export async function walk(page: Page): Promise<string[]> {
  await page.evaluate(IN_PAGE);
  const controls = await page.evaluate<number>("startWalk()");
  // A date field has one stop for each of its parts.
  for (let stops = 0; stops < controls * 4 + 8; stops += 1) {
    await page.keyboard.press("Tab");
    // A focus trap corrects the step out of a date or a time in a timer. A busy machine runs it later than the next key.
    if (await page.evaluate<boolean>("new Promise((done) => setTimeout(() => done(stepWalk())))")) {
      break;
    }
  }
  return page.evaluate<string[]>("endWalk()");
}

async function fit(page: Page): Promise<string[]> {
  await page.evaluate(IN_PAGE);
  return page.evaluate<string[]>("unreachableControls()");
}

async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
  await page.getByText("Loading…").first().waitFor({ state: "detached" });
}

/** Waits until the layout is stable and no transition is running. */
async function waitUntilStill(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(moving.map((one) => one.finished));
  });
}

async function resize(page: Page, size: typeof SIZE): Promise<void> {
  await page.setViewportSize(size);
  await waitUntilStill(page);
}

async function show(page: Page, scheme: Sight["scheme"]): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
  await waitUntilStill(page);
}

async function axe(page: Page, rules: RunOptions): Promise<string[]> {
  const { violations } = await page.evaluate((options) => window.axe.run(options), rules);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary ?? ""}`),
  );
}
