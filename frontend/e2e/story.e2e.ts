/** What an administrator does, from signing in to having a document back; every view is looked at by axe besides. */

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { axe, launch, open, Report } from "./browser";
import { ADMINISTRATOR, Edms } from "./edms";

const CONTENT = randomBytes(300_000);
const report = new Report();
let edms: Edms;
let browser: Browser;
let page: Page;
let wrong: string[];

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

async function signIn(): Promise<void> {
  await page.getByLabel("User name").fill(ADMINISTRATOR.name);
  await page.getByRole("textbox", { name: "Password" }).fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const heading = (name: string | RegExp) => page.getByRole("heading", { level: 1, name });
const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");

test("who is not signed in is led to the log-in, and back to where they wanted to go", async () => {
  await page.goto(edms.url("/documents?q=report"));
  await heading("Sign in").waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByLabel("User name").fill(ADMINISTRATOR.name);
  await page.getByRole("textbox", { name: "Password" }).fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("There is no account with this name and password.").waitFor();
  await signIn();
  await heading("Documents").waitFor();
  expect(page.url()).toBe(edms.url("/documents?q=report"));
  await page.getByText("No document matches “report”").waitFor();
  expect(await axe(page)).toEqual([]);
});

test("the first load is small, and soon there", async () => {
  await page.goto(edms.url("/"));
  await heading("Dashboard").waitFor();
  await page.getByText("There are no documents yet.").waitFor();
  expect(await axe(page)).toEqual([]);
  const { lcp, cls } = await report.note(page, "dashboard");
  expect(lcp).toBeGreaterThan(0);
  expect(lcp).toBeLessThan(2_500);
  expect(cls).toBeLessThan(0.1);
});

test("a document is uploaded, gets a second version, and is handed out byte by byte", async () => {
  await page.getByRole("link", { name: "Documents", exact: true }).click();
  await heading("Documents").waitFor();
  expect([await focused(), await page.title()]).toEqual(["Documents", "Documents"]);
  await page.getByRole("button", { name: "Upload a document" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Upload" }).click();
  await dialog.getByText("Choose a file first.").waitFor();
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  expect(await focused()).toBe("Upload a document");
  await page.keyboard.press("Enter");
  await upload("Contract.pdf", Buffer.from("a draft"));
  await dialog.getByLabel("Title").fill("Contract with everybody");
  await dialog.getByRole("button", { name: "Upload" }).click();
  await heading("Contract with everybody").waitFor();
  await page.getByRole("button", { name: "Add a version" }).click();
  await upload("Contract.pdf", CONTENT);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await download(2)).toBe(sha256(CONTENT));
  expect(await axe(page)).toEqual([]);
  await report.note(page, "document");
});

test("light or dark is remembered, and a keyboard skips to the content", async () => {
  await page.getByRole("button", { name: "Switch to dark" }).click();
  await page.reload();
  await heading("Contract with everybody").waitFor();
  expect(await page.locator("html").getAttribute("data-mantine-color-scheme")).toBe("dark");
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to the content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
  await page.evaluate(() => localStorage.clear());
});

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

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
