/** Takes pictures of every view for `tools/screenshots`. All data is real, except the runs of earlier weeks. */

import { readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { launch, open, SCHEMES, signIn } from "./browser";
import { Edms } from "./edms";

const FOLDER = process.env["SCREENSHOTS"] ?? "";
const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;
type Kind = keyof typeof SIZES;
const KINDS = ["wide", "phone"] as const satisfies Kind[];
const README = process.env["README_PICTURES"] ?? "";
/** The pictures of the README: the colour scheme, and the element that stands first below the header. */
const FOR_README: Record<string, { colorScheme: (typeof SCHEMES)[number]; from: string }> = {
  "overview-running": { colorScheme: "light", from: "h1" },
  history: { colorScheme: "dark", from: "thead" },
  "restore-plan": { colorScheme: "light", from: "nav ~ *" },
  "restore-kept": { colorScheme: "dark", from: "h1" },
};
const README_SIZE = { width: 1180, height: 740 };
const README_BYTES = 150_000;
const CONSOLE = "/admin/backup";

let edms: Edms;
let browser: Browser;
let page: Page;
let wrong: string[];

beforeAll(async () => {
  [edms, browser] = await Promise.all([Edms.make(), launch()]);
  edms.manage("import_documents", "/usr/share/doc", "--limit", "600");
  for (const name of ["daily_full", "weekly_export", "database_hourly"]) {
    edms.manage("trigger_backup", "--config", `production_${name}`);
  }
  edms.manage("shell", "--command", readFileSync(join(import.meta.dirname, "earlier_weeks.py"), "utf8"));
  ({ page, wrong } = await open(browser));
});

afterAll(async () => {
  await browser.close();
  await edms.remove();
});

/** Takes a picture of the page in both colour schemes. */
async function shoot(name: string, kind: Kind, whole: boolean): Promise<void> {
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(FOLDER, `${name}-${scheme}-${kind}.png`), fullPage: whole });
  }
}

/** Takes it at all sizes. */
async function picture(name: string, whole = true): Promise<void> {
  for (const kind of KINDS) {
    await page.setViewportSize(SIZES[kind]);
    await shoot(name, kind, whole);
  }
  const wanted = README ? FOR_README[name] : undefined;
  if (wanted) {
    await page.setViewportSize(README_SIZE);
    await page.emulateMedia({ colorScheme: wanted.colorScheme });
    await page.evaluate((from) => {
      const top = document.querySelector(`main ${from}`)?.getBoundingClientRect().top ?? 0;
      window.scrollTo(0, window.scrollY + top - 70);
    }, wanted.from);
    await page.waitForTimeout(300);
    const taken = await page.screenshot({ path: join(README, `${name}.png`) });
    expect(taken.length, name).toBeLessThan(README_BYTES);
  }
  await page.setViewportSize(SIZES.wide);
}

/** Takes pictures of the view at an address, in each language. English comes last, for what follows on the page. */
async function take(name: string, path: string, whole = true): Promise<void> {
  for (const language of ["de", "en"]) {
    await page.goto(edms.url(path));
    await page.evaluate(
      (code) => localStorage.setItem("edms-preferences", JSON.stringify({ language: code })),
      language,
    );
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    // Do not wait for an idle network: a page that listens to events never has one.
    await page
      .getByText(/^(Loading…|Wird geladen …)$/)
      .first()
      .waitFor({ state: "detached" });
    await page.waitForTimeout(500);
    await picture(language === "en" ? name : `${name}-${language}`, whole);
  }
}

/** Takes a picture of the dialog that a button opens, or an item of the menu that it opens. */
async function dialog(name: string, button: string, chosen?: string): Promise<void> {
  // Opens it again at each size: a table that becomes cards closes its dialogs.
  for (const kind of KINDS) {
    await page.setViewportSize(SIZES[kind]);
    await page.getByRole("button", { name: button }).first().click();
    if (chosen) {
      await page.getByRole("menuitem", { name: chosen }).click();
    }
    await page.getByRole("dialog").waitFor();
    await shoot(name, kind, false);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  await page.setViewportSize(SIZES.wide);
}

async function first(path: string): Promise<string> {
  const answer = await page.request.get(edms.url("/").replace("/app/", `/api/v1${path}`));
  const { results } = (await answer.json()) as { results: { id?: string; uuid?: string }[] };
  return results[0]?.id ?? results[0]?.uuid ?? "";
}

async function run(): Promise<void> {
  await page.goto(edms.url(`${CONSOLE}/configurations?search=daily`));
  await page.getByRole("button", { name: "Run now: production_daily_full" }).click();
  await page.getByRole("link", { name: "Open job" }).click();
  await page.getByRole("heading", { level: 2, name: /^production_daily_full-/ }).waitFor();
}

test("the EDMS", { timeout: 300_000 }, async () => {
  await take("login", "/login");
  await signIn(page);
  await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
  await take("dashboard", "/");
  await take("documents", "/documents");
  await dialog("document-upload", "Upload document");
  await take("document", `/documents/${await first("/documents/")}`);
  await dialog("document-delete", "Delete");
  await take("admin", "/admin");
});

test("the backup console", { timeout: 300_000 }, async () => {
  await take("overview", `${CONSOLE}/overview`);
  await take("overview-trends", `${CONSOLE}/overview?show=trends`);
  await take("configurations", `${CONSOLE}/configurations`);
  const nightly = await first("/backup/configurations/?search=production_daily");
  await take("configuration", `${CONSOLE}/configurations/${nightly}`);
  await take("configuration-edit", `${CONSOLE}/configurations/${nightly}/edit`);
  await take("storage", `${CONSOLE}/storage`);
  await take("settings", `${CONSOLE}/settings`);
  await take("configuration-new", `${CONSOLE}/configurations/new`);
  // Not the whole list: more rows load while the page scrolls.
  await take("history", `${CONSOLE}/history`, false);
  await take("history-failed", `${CONSOLE}/history?status=FAILED&status=TIMEOUT`);
  const job = await first("/backup/jobs/?has_backup=true&backup_type=FULL");
  await take("job", `${CONSOLE}/history/${job}`);
  await dialog("job-pin", "Pin");
  await dialog("job-delete", "Delete…");
  await take("files", `${CONSOLE}/history/${job}/files`);
  await take("job-failed", `${CONSOLE}/history/${await first("/backup/jobs/?status=FAILED")}`);
  await take("job-incomplete", `${CONSOLE}/history/${await first("/backup/jobs/?status=INCOMPLETE")}`);
});

test("a running job", { timeout: 300_000 }, async () => {
  const large = join(edms.home, "media/large");
  writeFileSync(large, "");
  // The file has a length but no content: it takes no disk space, and time to read.
  truncateSync(large, 40e9);
  await run();
  await page.getByRole("progressbar").first().waitFor();
  await page.waitForTimeout(3_000);
  await picture("job-running");
  await dialog("job-cancel", "Cancel job…");
  await take("overview-running", `${CONSOLE}/overview`);
  await page.goto(edms.url(`${CONSOLE}/history`));
  await page
    .getByRole("link", { name: /^production_daily_full-/ })
    .first()
    .click();
  await page.getByRole("button", { name: "Cancel job…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
  await page.getByText("Job cancelled").waitFor();
  await picture("job-cancelled");
  renameSync(large, join(edms.folder, "large"));
});

test("the restores", { timeout: 300_000 }, async () => {
  // Restores with the session of the user, who would be signed out otherwise.
  edms.manage("trigger_backup", "--config", "production_daily_full");
  await take("restore", `${CONSOLE}/restore`);
  const job = await first("/backup/jobs/?has_backup=true&backup_type=FULL");
  await page.goto(edms.url(`${CONSOLE}/history/${job}`));
  await page.getByRole("link", { name: "Restore backup" }).click();
  await page.getByRole("button", { name: "Create plan" }).waitFor();
  await picture("restore-choices");
  await page.getByRole("button", { name: "Create plan" }).click();
  await page.getByText("Replaced by the restore").waitFor();
  const asked = page.getByRole("textbox", { name: /^Type the name/ });
  const said = (await asked.getAttribute("aria-describedby"))?.split(" ").find((id) => id.endsWith("-description"));
  await asked.fill((await page.locator(`[id="${said}"]`).textContent()) ?? "");
  await picture("restore-plan");
  await page.getByRole("button", { name: "Replace live system" }).click();
  await page.getByText("Previous state kept").waitFor();
  await page.waitForTimeout(500);
  await picture("restore-kept");
  await dialog("restore-rollback", "Roll back…");
  await take("restores", `${CONSOLE}/restore`);
  await take("configurations-run", `${CONSOLE}/configurations`);
  await dialog("configuration-delete", "More actions for production_weekly_export", "Delete…");
  expect(wrong).toEqual([]);
});
