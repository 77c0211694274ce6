/** Finds a file in a backup, and restores it into a folder. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { checkAccessibility } from "./accessibility";
import { launch, nameConfirmation, open, signIn } from "./browser";
import { Edms } from "./edms";

const TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
const LICENCE = "/usr/share/common-licenses/BSD";
let edms: Edms;
let browser: Browser;
let page: Page;
let wrong: string[];
let job = "";

beforeAll(async () => {
  [edms, browser] = await Promise.all([Edms.make(), launch()]);
  edms.manage("import_documents", "/usr/share/common-licenses");
  ({ job } = JSON.parse(edms.manage("trigger_backup", "--type", "FULL", "--no-encryption", "--json")) as {
    job: string;
  });
  ({ page, wrong } = await open(browser));
  page.setDefaultTimeout(12_000);
});

afterAll(async () => {
  await browser.close();
  await edms.remove();
});

test("a file of a backup is found and restored into a folder", async () => {
  await page.goto(edms.url(`/admin/backup/history/${job}/files`));
  await signIn(page);
  await page.getByRole("link", { name: "files", exact: true }).click();
  await page.getByRole("link", { name: "media", exact: true }).waitFor();
  await page.getByRole("link", { name: "Restore media into a folder" }).click();
  await page.getByRole("textbox", { name: "Folder name" }).fill("looked");
  await page.getByRole("button", { name: "Create plan" }).click();
  await page.getByText("Selected contents").waitFor();
  await page
    .getByRole("button", { name: /restore/i })
    .last()
    .click();
  await page.getByText("Restored.", { exact: true }).waitFor();
  const below = readdirSync(edms.folder, { recursive: true, encoding: "utf8", withFileTypes: true });
  const restored = below.map((one) => join(one.parentPath, one.name)).filter((path) => /[/]looked[/]/.test(path));
  const files = restored.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path));
  expect(files.some((content) => content.equals(readFileSync(LICENCE)))).toBe(true);
  expect(restored.filter((path) => /looked\/(databases|manifest)/.test(path))).toEqual([]);
  expect(wrong).toEqual([]);
});

test("a table of a backup is selected and restored into a new database", async () => {
  await page.goto(edms.url(`/admin/backup/restore?backup=${job}`));
  await page.getByRole("radio", { name: "Selected tables" }).check();
  await page.getByRole("combobox", { name: "Tables" }).fill("auth_us");
  await page.getByRole("option", { name: /^auth_user 1 row$/ }).click();
  await page.keyboard.press("Tab");
  await page.getByRole("listbox").waitFor({ state: "hidden" });
  expect(await checkAccessibility(page)).toEqual([]);
  await page.getByRole("textbox", { name: "Database name" }).fill("looked_db");
  await page.getByRole("button", { name: "Create plan" }).click();
  await page.getByText("Selected contents").waitFor();
  await page
    .getByRole("button", { name: /restore/i })
    .last()
    .click();
  await page.getByText("Restored.", { exact: true }).waitFor();
  const database = `sqlite3.connect('${join(edms.home, "backups/restored/looked_db")}')`;
  const tables = edms.manage("shell", "-v0", "-c", `import sqlite3; print(*${database}.execute("${TABLES}"))`);
  expect(tables.trim()).toBe("('auth_user',)");
  expect(wrong).toEqual([]);
});

test("the administration works under its content security policy", async () => {
  for (const address of [
    "",
    "auth/user/add/",
    "documents/document/",
    "django_celery_beat/periodictask/add/",
    "backup/backupjob/",
  ]) {
    const answer = await page.goto(edms.url("/").replace("/app/", `/admin/${address}`));
    expect(answer?.status()).toBe(200);
    expect(answer?.headers()["content-security-policy"]).toContain("default-src 'self'");
    await page.locator("#content").waitFor();
  }
  expect(wrong).toEqual([]);
});

test("a user whom a live restore signs out sees its end, by keyboard alone", async () => {
  edms.addAdministrator("newcomer");
  const own = await open(browser);
  const press = async (name: string) => {
    const found = (role: "button" | "link") => own.page.getByRole(role, { name, exact: true });
    await found("button").or(found("link")).first().press("Enter");
  };
  await own.page.goto(edms.url(`/admin/backup/history/${job}`));
  await signIn(own.page, "newcomer");
  await press("Restore backup");
  await press("Create plan");
  const { field, name } = await nameConfirmation(own.page);
  await field.focus();
  await own.page.keyboard.type(name);
  await own.page.keyboard.press("Enter");
  await own.page.getByText("You are signed out").waitFor();
  await own.page.getByText("Sign in again with a name and a password").waitFor();
  await own.page.getByText("Restored. The previous state is kept").waitFor();
  expect.soft(await checkAccessibility(own.page)).toEqual([]);
  expect(await own.page.getByText("Connection lost").count()).toBe(0);
  await press("Sign in");
  await signIn(own.page);
  await own.page.getByRole("button", { name: "Roll back…", exact: true }).waitFor();
  expect(own.wrong).toEqual([]);
  await own.page.context().close();
});
