/** The work of an administrator, from signing in to the restored document. axe checks every view on the way. */

import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { checkAccessibility } from "./accessibility";
import { FIRST_LOAD_BYTES, confirm, launch, open, Report, signIn, scriptBytes } from "./browser";
import { ADMINISTRATOR, Edms, sha256 } from "./edms";

const CONTENT = randomBytes(300_000);
const report = new Report();
let edms: Edms;
let browser: Browser;
let page: Page;
let wrong: string[];
let job = "";
let contract = "";
let restore = "";

beforeAll(async () => {
  [edms, browser] = await Promise.all([Edms.make(), launch()]);
  ({ page, wrong } = await open(browser));
});

afterEach(() => expect(wrong).toEqual([]));

afterAll(async () => {
  report.write();
  await browser.close();
  await edms.remove();
});

const heading = (name: string | RegExp) => page.getByRole("heading", { level: 1, name });
const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");

test("a signed-out user is sent to the log-in page, and back to the requested page", async () => {
  await page.goto(edms.url("/documents?q=report"));
  await heading("Sign in").waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.getByLabel("User name").fill(ADMINISTRATOR.name);
  await page.getByRole("textbox", { name: "Password" }).fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("There is no account with this name and password.").waitFor();
  await signIn(page);
  await heading("Documents").waitFor();
  expect(page.url()).toBe(edms.url("/documents?q=report"));
  await page.getByText("No results for “report”").waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
});

test("the first load is small and fast", async () => {
  await page.goto(edms.url("/"));
  await heading("Dashboard").waitFor();
  await page.getByText("No documents yet.").waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  const { lcp, cls } = await report.note(page, "dashboard");
  expect(await scriptBytes(page)).toBeLessThan(FIRST_LOAD_BYTES);
  expect(lcp).toBeGreaterThan(0);
  expect(lcp).toBeLessThan(2_500);
  expect(cls).toBeLessThan(0.1);
});

test("a document is uploaded, gets a second version, and downloads byte for byte", async () => {
  await page.getByRole("link", { name: "Documents", exact: true }).click();
  await heading("Documents").waitFor();
  expect([await focused(), await page.title()]).toEqual(["Documents", "Documents"]);
  await page.getByRole("button", { name: "Upload document" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Upload" }).click();
  await dialog.getByText("Choose a file.").waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await expect.poll(focused).toBe("Upload document");
  await page.keyboard.press("Enter");
  await upload("Contract.pdf", Buffer.from("a draft"));
  await dialog.getByLabel("Title").fill("Contract with everybody");
  await dialog.getByRole("button", { name: "Upload" }).click();
  await heading("Contract with everybody").waitFor();
  await page.getByRole("button", { name: "Add version" }).click();
  await upload("Contract.pdf", CONTENT);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await download(2)).toBe(sha256(CONTENT));
  await page.getByText("Loading…").first().waitFor({ state: "detached" });
  // Measured before the accessibility check, which changes the sizes and moves everything.
  await report.note(page, "document");
  expect.soft(await checkAccessibility(page)).toEqual([]);
});

test("the colour scheme is remembered, and a keyboard user can skip to the content", async () => {
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Display…" }).click();
  await page.getByRole("combobox", { name: "Theme" }).selectOption("Dark");
  await page.keyboard.press("Escape");
  await page.reload();
  await heading("Contract with everybody").waitFor();
  expect(await page.locator("html").getAttribute("data-mantine-color-scheme")).toBe("dark");
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
  await page.evaluate(() => localStorage.clear());
});

const BACKUPS = "/admin/backup";
const tab = (name: string) => page.getByRole("tab", { name }).click();

/** Runs the configuration of the story and opens its job. */
async function run(): Promise<void> {
  await page.goto(edms.url(`${BACKUPS}/configurations?search=nightly`));
  await page.getByRole("button", { name: "Run now: nightly" }).click();
  await page.getByRole("link", { name: "Open job" }).click();
  await page.getByRole("heading", { level: 2, name: /^nightly-/ }).waitFor();
}

/** Waits until a badge of the view shows the text. */
const says = (state: string) => page.getByRole("main").getByText(state, { exact: true }).first().waitFor();

test("a configuration is created, run by the agent, and watched until its backup is verified", async () => {
  await page.goto(edms.url("/admin"));
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.getByRole("link", { name: "Open backup management" }).click();
  await page.getByText("Freshness").first().waitFor();
  expect([await focused(), await page.title()]).toEqual(["Backup management", "Overview – Backup management"]);
  await page.getByText("Loading…").first().waitFor({ state: "detached" });
  // Measured before the accessibility check, which changes the sizes and moves everything.
  await report.note(page, "overview");
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await tab("Configurations");
  await page.getByRole("link", { name: "New configuration" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("nightly");
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("nightly created").waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await run();
  await says("Completed");
  await says("Verified");
  job = page.url();
  await page.getByText("Loading…").first().waitFor({ state: "detached" });
  // Measured before the accessibility check, which changes the sizes and moves everything.
  await report.note(page, "job");
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.getByRole("link", { name: "Browse files" }).click();
  await page.getByRole("link", { name: "databases", exact: true }).waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
});

test("a schedule is disabled and enabled", async () => {
  await page.goto(edms.url(`${BACKUPS}/configurations?search=nightly`));
  const schedule = page.getByRole("switch", { name: "Schedule of nightly" });
  expect(await schedule.isChecked()).toBe(true);
  await schedule.press("Space");
  await page.getByText("nightly disabled").waitFor();
  await page.reload();
  expect(await schedule.isChecked()).toBe(false);
  await schedule.press("Space");
  await page.getByText("nightly enabled").waitFor();
});

test("a deleted document returns unchanged with a restore", async () => {
  await page.goto(edms.url("/documents"));
  await page.getByRole("link", { name: "Contract with everybody" }).click();
  contract = page.url();
  await page.getByRole("button", { name: "Delete" }).click();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("deleted, with all its versions").waitFor();
  await page.goto(job);
  await page.getByRole("link", { name: "Restore backup" }).click();
  await page.getByRole("button", { name: "Create plan" }).waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.getByRole("button", { name: "Create plan" }).click();
  await page.getByText("Replaced by the restore").waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await confirm(page, "Replace live system");
  await page.getByText("Previous state kept").waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  restore = page.url();
  await page.goto(contract);
  await heading("Contract with everybody").waitFor();
  expect(await download(2)).toBe(sha256(CONTENT));
});

test("the restore is rolled back, and the document is gone again", async () => {
  await page.goto(restore);
  await checkFocusReturn("Release previous state…");
  await checkFocusReturn("Roll back…");
  await page.getByRole("button", { name: "Roll back…", exact: true }).click();
  await confirm(page, "Roll back");
  await page.getByText("Rolled back. The previous state is live again.").waitFor();
  await page.goto(contract);
  await page.getByText("The document does not exist any more.").waitFor();
});

test("a run is cancelled", async () => {
  const large = join(edms.home, "media/large");
  writeFileSync(large, "");
  // The file has a length but no content: it takes no disk space, and time to read.
  truncateSync(large, 40e9);
  await run();
  await says("Running");
  await page.getByRole("button", { name: "Cancel job…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
  await page.getByText("Job cancelled").waitFor();
  // The button that had the focus is gone.
  await expect.poll(focused).toMatch(/^nightly-/);
  rmSync(large);
});

test("a failed run shows its reason", async () => {
  const keys = join(edms.home, "backups/repository/keys");
  renameSync(keys, `${keys}-away`);
  await run();
  await page.getByText("Failed. This run created no backup.").waitFor();
  expect(await page.getByRole("alert").first().textContent()).toMatch(/passphrase|key/);
  expect.soft(await checkAccessibility(page)).toEqual([]);
  renameSync(`${keys}-away`, keys);
  await tab("History");
  await says("Failed");
  await says("Cancelled");
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await tab("Restore");
  await says("Rolled back");
  expect.soft(await checkAccessibility(page)).toEqual([]);
});

test("an expired session leads to the log-in page, and back", async () => {
  await page.goto(edms.url(`${BACKUPS}/history?status=FAILED`));
  await says("Failed");
  // The page's own requests would lead to the log-in page before the user does anything.
  let asked = Date.now();
  page.on("request", () => (asked = Date.now()));
  await expect.poll(() => Date.now() - asked, { timeout: 20_000 }).toBeGreaterThan(1_000);
  await page.context().clearCookies({ name: "sessionid" });
  await tab("Restore");
  await heading("Sign in").waitFor();
  await signIn(page);
  await heading("Backup management").waitFor();
  expect(page.url()).toBe(edms.url(`${BACKUPS}/restore`));
});

test("the page reports a lost server, and continues when it returns", async () => {
  await says("Rolled back");
  await edms.stop();
  const lost = page.getByText("Connection lost.");
  await lost.waitFor();
  await tab("History");
  await page.getByText("Server unreachable").first().waitFor();
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await edms.start();
  await lost.waitFor({ state: "detached" });
  await says("Cancelled");
  await page.getByRole("button", { name: `Account of ${ADMINISTRATOR.name}` }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await heading("Sign in").waitFor();
});

/** Opens the dialog of a button, checks it, and closes it with Escape. */
async function checkFocusReturn(button: string): Promise<void> {
  await page.getByRole("button", { name: button, exact: true }).press("Enter");
  await expect.poll(() => page.getByRole("dialog").evaluate((one) => one.contains(document.activeElement))).toBe(true);
  expect.soft(await checkAccessibility(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(focused).toBe(button);
}

async function upload(name: string, content: Buffer): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("dialog").getByRole("button", { name: /^File/ }).click(),
  ]);
  await chooser.setFiles({ name, mimeType: "application/pdf", buffer: content });
}

async function download(version: number): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: `Download version ${version}` }).click(),
  ]);
  return sha256(readFileSync(await file.path()));
}
