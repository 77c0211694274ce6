/**
 * Uses only the keyboard: in every dialog, and from a configuration to its backup. Checks the views that the story
 * leaves out.
 */

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { forcedColourProblems, checkAccessibility, overflowingElements } from "./accessibility";
import { launch, open, press, signInByKeys } from "./browser";
import { ADMINISTRATOR, Edms } from "./edms";

const BACKUPS = "/admin/backup";
let edms: Edms;
let browser: Browser;
let page: Page;
let wrong: string[];
let job = "";

beforeAll(async () => {
  [edms, browser] = await Promise.all([Edms.make(), launch()]);
  edms.manage("import_documents", "/usr/share/common-licenses", "--limit", "3");
  edms.manage("trigger_backup", "--config", "production_daily_full");
  ({ page, wrong } = await open(browser));
  await page.goto(edms.url("/"));
  await signInByKeys(page);
  await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
  const answer = await page.request.get(edms.url("").replace("/app", "/api/v1/backup/jobs/"));
  job = ((await answer.json()) as { results: { uuid: string }[] }).results[0]?.uuid ?? "";
});

afterEach(() => expect(wrong).toEqual([]));

afterAll(async () => {
  await browser.close();
  await edms.remove();
});

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
const link = (name: string | RegExp) => page.getByRole("link", { name, exact: typeof name === "string" });
/** Waits until the element has the focus and is in view. Otherwise names the element that has the focus. */
function expectFocus(what: Locator): Promise<void> {
  const where = (one: Element) => {
    const { top, bottom } = one.getBoundingClientRect();
    return one !== document.activeElement
      ? document.activeElement?.outerHTML
      : top < innerHeight && bottom > 0
        ? ""
        : `out of sight: ${top} to ${bottom} of ${innerHeight}`;
  };
  return expect.poll(() => what.evaluate(where, null, { timeout: 2_000 }), { timeout: 5_000 }).toBe("");
}

const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
const dialog = () => page.getByRole("dialog").last();

/** Checks that a dialog opened with `key` takes the focus, holds it, and returns it to `opener` on Escape. */
async function checkDialog(
  opener: Locator,
  first: (within: Locator) => Locator,
  before = () => press(opener),
): Promise<void> {
  await before();
  await expectFocus(first(dialog()));
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await expectFocus(first(dialog()));
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  await expectFocus(opener);
}

/** Checks a menu: it starts with its first item, the arrow keys move, Escape closes it. */
async function menu(opener: Locator): Promise<void> {
  await press(opener);
  const items = page.getByRole("menuitem");
  await expectFocus(items.first());
  await page.keyboard.press("ArrowUp");
  await expectFocus(items.last());
  await page.keyboard.press("Escape");
  await items.first().waitFor({ state: "detached" });
  await expectFocus(opener);
}

test("document dialogs and the account menu take the focus and return it", async () => {
  await page.goto(edms.url("/documents"));
  await checkDialog(button("Upload document"), (within) => within.getByRole("button", { name: /^File/ }));
  await menu(button(`Account of ${ADMINISTRATOR.name}`));
  await press(page.getByRole("link", { name: /.+/ }).and(page.locator("main table a")).first());
  await checkDialog(button("Add version"), (within) => within.getByRole("button", { name: /^File/ }));
  await checkDialog(button("Delete"), (within) => within.getByRole("button", { name: "Cancel" }));
});

test("configuration dialogs take the focus and return it, or leave it to the heading", async () => {
  const more = button("More actions for production_weekly_export");
  const chosen = (item: string) => async () => {
    await press(more);
    await press(page.getByRole("menuitem", { name: item }));
  };
  await page.goto(edms.url(`${BACKUPS}/configurations`));
  await checkDialog(link("New configuration"), (within) => within.getByRole("textbox", { name: "Name" }));
  await press(link("production_daily_full"));
  await page.getByRole("heading", { level: 2, name: "production_daily_full" }).waitFor();
  await checkDialog(link("Edit"), (within) => within.getByRole("textbox", { name: "Name" }));
  await press(link("← Back to configurations"));
  await menu(more);
  await checkDialog(more, (within) => within.getByRole("textbox"), chosen("Duplicate"));
  await checkDialog(more, (within) => within.getByRole("textbox"), chosen("Delete…"));
  await chosen("Delete…")();
  await press(dialog().getByRole("textbox"), "Enter", "production_weekly_export");
  await more.waitFor({ state: "detached" });
  await expect.poll(focused).toBe("Configurations");
});

test("the drawer asks before it discards changes", async () => {
  const name = dialog().getByRole("textbox", { name: "Name" });
  await press(link("New configuration"));
  await expectFocus(name);
  await page.keyboard.type("half");
  await page.keyboard.press("Escape");
  await expectFocus(button("Continue editing"));
  await page.keyboard.press("Escape");
  await button("Continue editing").waitFor({ state: "detached" });
  expect(await dialog().evaluate((one) => one.contains(document.activeElement))).toBe(true);
  await page.keyboard.press("Escape");
  await press(button("Discard changes"));
  await expectFocus(link("New configuration"));
});

test("backup dialogs take the focus and return it", async () => {
  const closes = (within: Locator) => within.getByRole("button", { name: "Close" }).first();
  await page.goto(edms.url(`${BACKUPS}/history/${job}`));
  await checkDialog(button("Pin"), (within) => within.getByRole("textbox"));
  await checkDialog(button("Delete…"), (within) => within.getByRole("textbox"));
  await press(button("Pin"));
  await press(dialog().getByRole("textbox"), "Enter", "the auditor asks for it");
  await expectFocus(button("Unpin"));
  await page.keyboard.press("Enter");
  await expectFocus(button("Pin"));
  await press(button("Verify"));
  await page.getByText("Verification").first().waitFor();
  await expectFocus(button("Verify"));
  await page.goto(edms.url(`${BACKUPS}/history/${job}/files?search=manifest.json`));
  await checkDialog(button("Preview manifest.json"), closes);
});

test("dropdown fields open, move and close with keys alone", async () => {
  await page.goto(edms.url(`${BACKUPS}/configurations`));
  const type = page.getByRole("combobox", { name: "Type" });
  await press(type, "ArrowDown");
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await press(type, "ArrowDown");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.url()).toContain("type=");
  await expectFocus(type);
  await press(page.getByRole("radio", { name: "Table" }), "ArrowRight");
  await expect.poll(() => page.url()).toContain("view=grid");
  await press(page.getByRole("tab", { name: "Configurations" }), "ArrowRight");
  await expect.poll(() => page.url()).toContain(`${BACKUPS}/history`);
  await expectFocus(page.getByRole("tab", { name: "History" }));
});

test("on a small screen, keys open and close the navigation", async () => {
  await page.setViewportSize({ width: 640, height: 450 });
  await page.goto(edms.url("/"));
  await press(button("Menu"));
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  await link("Documents").focus();
  await page.keyboard.press("Escape");
  await expectFocus(button("Menu"));
  await page.keyboard.press("Enter");
  await press(link("Administration"), "Tab");
  await link("Documents").waitFor({ state: "hidden" });
  expect(await page.evaluate(() => document.activeElement?.closest("main") !== null)).toBe(true);
  await press(button("Menu"));
  await press(link("Documents"));
  await page.getByRole("heading", { level: 1, name: "Documents" }).waitFor();
  await expect.poll(focused).toBe("Documents");
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("the keyboard alone creates a configuration, runs it and browses the backup", async () => {
  await page.goto(edms.url(`${BACKUPS}/configurations`));
  await press(link("New configuration"));
  await expectFocus(dialog().getByRole("textbox", { name: "Name" }));
  await page.keyboard.type("by keys");
  await page.keyboard.press("Enter");
  await page.getByText("by keys created").waitFor();
  await expectFocus(link("New configuration"));
  const run = button("Run now: by keys");
  await press(run);
  await link("Open job").waitFor();
  await expectFocus(run);
  await press(link("Open job"));
  await page.getByRole("main").getByText("Verified", { exact: true }).first().waitFor();
  await press(link("Browse files"));
  await press(button("Preview manifest.json"));
  await dialog().locator("pre").waitFor();
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  expect.soft(await checkAccessibility(page)).toEqual([]);
});

test("the views outside the story are accessible", async () => {
  const views = {
    "no such page": "/no/such/page",
    "no such document": "/documents/00000000-0000-4000-8000-000000000000",
    "no such job": `${BACKUPS}/history/00000000-0000-4000-8000-000000000000`,
    "no such restore": `${BACKUPS}/restores/00000000-0000-4000-8000-000000000000`,
    "configurations as cards": `${BACKUPS}/configurations?view=grid`,
    "an upload": `${BACKUPS}/restore?from=file`,
    "nothing found": `${BACKUPS}/configurations?search=nothing+of+that+name`,
  };
  for (const [name, path] of Object.entries(views)) {
    await page.goto(edms.url(path));
    expect.soft(await checkAccessibility(page), name).toEqual([]);
  }
});

test("nothing is lost at 400 % or in forced colours", async () => {
  const views = [
    "/",
    "/documents",
    `${BACKUPS}/overview`,
    `${BACKUPS}/configurations`,
    `${BACKUPS}/configurations/new`,
  ];
  for (const path of [
    ...views,
    `${BACKUPS}/history`,
    `${BACKUPS}/history/${job}`,
    `${BACKUPS}/restore`,
    `${BACKUPS}/restore?backup=${job}`,
  ]) {
    await page.goto(edms.url(path));
    expect.soft([...(await overflowingElements(page, 320)), ...(await forcedColourProblems(page))], path).toEqual([]);
  }
});

test("a user without permissions is told so", async () => {
  edms.manage(
    "shell",
    "-c",
    "from django.contrib.auth.models import User; User.objects.create_user('nobody', password='correct horse')",
  );
  const { page: other, wrong: errors } = await open(browser);
  await other.goto(edms.url(`${BACKUPS}/history`));
  await other.getByLabel("User name").fill("nobody");
  await other.getByRole("textbox", { name: "Password" }).fill("correct horse");
  await other.keyboard.press("Enter");
  await other.getByText("Permission required").first().waitFor();
  expect.soft(await checkAccessibility(other)).toEqual([]);
  await other.goto(edms.url("/"));
  expect.soft(await checkAccessibility(other)).toEqual([]);
  expect(errors).toEqual([]);
  await other.context().close();
});
