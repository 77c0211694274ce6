/** Whether a view is there for everybody: what axe finds, at which widths it still fits, and what the keyboard reaches. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { RunOptions } from "axe-core";
import type { Page } from "playwright-core";

import { SIZE } from "./browser";
import { IN_PAGE } from "./pageChecks";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Every rule that is on by itself, best practices among them; and the size of what is pressed (WCAG 2.2), which is not. */
const ALL: RunOptions = { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } };
const COLOURS: RunOptions = { resultTypes: ["violations"], runOnly: ["color-contrast"] };

interface Sight {
  scheme: "light" | "dark";
  /** How many times larger than usual: so much less of the page has room. */
  zoom: number;
  rules: RunOptions;
}

const SIGHTS: Sight[] = [
  { scheme: "light", zoom: 1, rules: ALL },
  // Light and dark are the same page with other colours: every rule is asked once at each size, and the colours in all four.
  { scheme: "dark", zoom: 1, rules: COLOURS },
  { scheme: "dark", zoom: 2, rules: ALL },
  { scheme: "light", zoom: 2, rules: COLOURS },
];

/** What is wrong with the page as it is, for eyes and for keys; nothing is what it should be. */
export async function look(page: Page): Promise<string[]> {
  await settled(page);
  const found: string[] = [];
  await page.evaluate(AXE);
  for (const { scheme, zoom, rules } of SIGHTS) {
    await resize(page, { width: SIZE.width / zoom, height: SIZE.height / zoom });
    await show(page, scheme);
    // The keyboard goes the same way in the dark.
    const stops = scheme === "light" ? await walk(page) : [];
    const seen = [...stops, ...(await axe(page, rules)), ...(await fit(page))];
    found.push(...seen.map((text) => `${scheme}, ${zoom * 100} %: ${text}`));
  }
  await resize(page, SIZE);
  return found;
}

/** What has no room on a page of that width, in pixels as the page counts them. */
export async function reflow(page: Page, width: number): Promise<string[]> {
  await settled(page);
  await resize(page, { width, height: SIZE.height });
  const found = await fit(page);
  await resize(page, SIZE);
  return found.map((text) => `${width} wide: ${text}`);
}

/** What cannot be seen any more where the system chooses the colours, or does not show its focus there. */
export async function keepsColours(page: Page): Promise<string[]> {
  await settled(page);
  await page.evaluate(IN_PAGE);
  await page.evaluate("vanished()");
  await page.emulateMedia({ forcedColors: "active" });
  const found = [...(await page.evaluate<string[]>("vanished()")), ...(await walk(page))];
  await page.emulateMedia({ forcedColors: null });
  return found;
}

/** Goes through the page with Tab, or around in the dialog that is open. */
export async function walk(page: Page): Promise<string[]> {
  await page.evaluate(IN_PAGE);
  const controls = await page.evaluate<number>("startWalk()");
  // A date has a stop for each of its parts.
  for (let stops = 0; stops < controls * 4 + 8; stops += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate<boolean>("stepWalk()")) {
      break;
    }
  }
  return page.evaluate<string[]>("endWalk()");
}

async function fit(page: Page): Promise<string[]> {
  await page.evaluate(IN_PAGE);
  return page.evaluate<string[]>("outOfReach()");
}

async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
  await page.getByText("Loading…").first().waitFor({ state: "detached" });
}

/** Until the page is laid out anew, and nothing is on its way any more from one place or colour to another. */
async function still(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(moving.map((one) => one.finished));
  });
}

async function resize(page: Page, size: typeof SIZE): Promise<void> {
  await page.setViewportSize(size);
  await still(page);
}

async function show(page: Page, scheme: Sight["scheme"]): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
  await still(page);
}

async function axe(page: Page, rules: RunOptions): Promise<string[]> {
  const { violations } = await page.evaluate((options) => window.axe.run(options), rules);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary ?? ""}`),
  );
}
