/** Three tasks without a pointer: the first five minutes, one document back, and a live restore to its end. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { checkAccessibility } from "./accessibility";
import { launch, nameConfirmation, open, press, signInByKeys } from "./browser";
import { Edms } from "./edms";

const BACKUPS = "/admin/backup";
let edms: Edms;
let browser: Browser;
let page: Page;
let wrong: string[];

beforeAll(async () => {
  [edms, browser] = await Promise.all([Edms.make(), launch()]);
  const papers = join(edms.folder, "papers");
  mkdirSync(papers);
  for (const name of ["Contract 4711", "Invoice", "Minutes"]) {
    writeFileSync(join(papers, `${name}.txt`), `the content of ${name}`);
  }
  edms.manage("import_documents", papers);
  edms.manage("manage_backup_configs", "--disable", "production_daily_full");
  ({ page, wrong } = await open(browser));
});

afterEach(() => expect(wrong).toEqual([]));

afterAll(async () => {
  await browser.close();
  await edms.remove();
});

/** Presses Tab until the element has the focus: it can be reached, and its focus is visible. */
async function tabTo(what: Locator): Promise<void> {
  await what.waitFor();
  for (let presses = 0; presses < 80; presses++) {
    if (await what.evaluate((one) => one === document.activeElement)) {
      expect(await what.evaluate((one) => one.matches(":focus-visible"))).toBe(true);
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${String(what)}.`);
}

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
const link = (name: string | RegExp) => page.getByRole("link", { name, exact: typeof name === "string" });
const says = (state: string) => page.getByRole("main").getByText(state, { exact: true }).first().waitFor();

test("the first five minutes: from signing in to a protected system", async () => {
  await page.goto(edms.url(`${BACKUPS}/overview`));
  await signInByKeys(page);
  const steps = page.getByRole("region", { name: "First steps" });
  await tabTo(steps.getByRole("button", { name: "Download recovery kit" }));
  const [kit] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  expect(readFileSync(await kit.path(), "utf8")).toContain("recovery kit");
  await tabTo(steps.getByRole("button", { name: "I have a copy" }));
  await page.keyboard.press("Enter");
  await steps.getByText("Step 1, done:").waitFor({ state: "attached" });
  await tabTo(steps.getByRole("button", { name: "Back up now" }));
  await page.keyboard.press("Enter");
  await steps.getByText("Step 3, done:").waitFor({ state: "attached", timeout: 60_000 });
  const enable = steps.getByRole("button", { name: /^Enable / });
  if ((await enable.count()) > 0) {
    await tabTo(enable);
    await page.keyboard.press("Enter");
  }
  await steps.getByText("Step 4, done:").waitFor({ state: "attached" });
  expect.soft(await checkAccessibility(page)).toEqual([]);
});

test("one document comes back by its number and title", async () => {
  await page.goto(edms.url(`${BACKUPS}/restore`));
  await press(link("Use this backup"));
  await press(page.getByRole("radio", { name: "Selected files and folders" }), "Space");
  await tabTo(page.getByRole("searchbox", { name: /^Find documents/ }));
  await page.keyboard.type("contract 4711");
  await page.getByText("1 file found.").waitFor();
  await tabTo(page.getByRole("checkbox", { name: /Contract 4711/ }));
  await page.keyboard.press("Space");
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await press(page.getByRole("textbox", { name: /^Folder name/ }), "Tab", "found");
  await press(button("Create plan"));
  await press(button("Start restore"));
  await says("Completed");
  const found = readdirSync(join(edms.home, "backups/restored/found"), { recursive: true, encoding: "utf8" });
  const file = found.find((name) => name.includes("4711")) ?? "";
  expect(readFileSync(join(edms.home, "backups/restored/found", file), "utf8")).toBe("the content of Contract 4711");
});

test("a live restore is followed to its end, with the way back in", async () => {
  edms.manage("shell", "-c", "from apps.documents.models import *; DocumentVersion.objects.all().delete()");
  await page.goto(edms.url(`${BACKUPS}/restore`));
  await press(link("Use this backup"));
  await press(button("Create plan"));
  const changed = page.getByRole("table", { name: "Tables that differ" });
  await changed.getByRole("row", { name: /documents_documentversion 3 0/ }).waitFor();
  const { field, name } = await nameConfirmation(page);
  await tabTo(field);
  await page.keyboard.type(name);
  await tabTo(button("Replace live system"));
  await page.keyboard.press("Enter");
  await page.getByText("Restored. The previous state is kept until you release it.").waitFor({ timeout: 60_000 });
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.goto(edms.url("/documents"));
  if ((await page.getByLabel("User name").count()) > 0) {
    await signInByKeys(page);
  }
  await press(link("Contract 4711"));
  await page.getByRole("heading", { level: 1, name: "Contract 4711" }).waitFor();
  await link("Download version 1").waitFor();
});
