/** Pictures of every view: `tools/screenshots`. */

import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { launch, open, SCHEMES } from "./browser";
import { ADMINISTRATOR, Edms } from "./edms";

const FOLDER = process.env["SCREENSHOTS"] ?? "";
const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;
const CONSOLE = "/admin/backup";

let edms: Edms;
let browser: Browser;
let page: Page;
let wrong: string[];

beforeAll(async () => {
  [edms, browser] = await Promise.all([Edms.make(), launch()]);
  edms.manage("import_documents", "/usr/share/common-licenses");
  edms.manage("trigger_backup", "--config", "production_daily_full");
  edms.manage("trigger_backup", "--config", "production_database_hourly");
  edms.manage("trigger_backup", "--type", "FILES");
  ({ page, wrong } = await open(browser));
});

afterAll(async () => {
  await browser.close();
  await edms.remove();
});

/** One address in both colour schemes and at all sizes. */
async function take(name: string, path: string): Promise<void> {
  for (const [kind, size] of Object.entries(SIZES)) {
    await page.setViewportSize(size);
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto(edms.url(path));
      await page.getByRole("heading", { level: 1 }).waitFor();
      // Not until the network is idle: a page that listens to events never lets it be.
      await page.getByText("Loading…").first().waitFor({ state: "detached" });
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(FOLDER, `${name}-${scheme}-${kind}.png`), fullPage: true });
    }
  }
}

async function first(path: string): Promise<string> {
  const answer = await page.request.get(edms.url("/").replace("/app/", `/api/v1${path}`));
  const { results } = (await answer.json()) as { results: { id?: string; uuid?: string }[] };
  return results[0]?.id ?? results[0]?.uuid ?? "";
}

test("every view", { timeout: 600_000 }, async () => {
  await take("login", "/login");
  await page.getByLabel("User name").fill(ADMINISTRATOR.name);
  await page.getByRole("textbox", { name: "Password" }).fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
  await take("dashboard", "/");
  await take("documents", "/documents");
  await take("document", `/documents/${await first("/documents/")}`);
  await take("admin", "/admin");
  await take("overview", `${CONSOLE}/overview`);
  await take("configurations", `${CONSOLE}/configurations`);
  await take("configuration-new", `${CONSOLE}/configurations/new`);
  await take("history", `${CONSOLE}/history`);
  const job = await first("/backup/jobs/?has_backup=true");
  await take("job", `${CONSOLE}/history/${job}`);
  await take("files", `${CONSOLE}/history/${job}/files`);
  await take("restore", `${CONSOLE}/restore`);
  await take("restore-choices", `${CONSOLE}/restore?job=${job}`);
  expect(wrong).toEqual([]);
});
