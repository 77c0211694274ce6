/** Tests the console as a page of another project, where a restore needs two people. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { checkAccessibility } from "./accessibility";
import { confirm, launch, open } from "./browser";
import { ADMINISTRATOR, Edms } from "./edms";

const SECOND = "second";
let edms: Edms;
let browser: Browser;
let first: Page;
let second: Page;
/** The errors in the page of each person. */
const wrong: string[][] = [];
let job = "";

beforeAll(async () => {
  [edms, browser] = await Promise.all([Edms.make("two_people"), launch()]);
  edms.manage("import_documents", "/usr/share/common-licenses");
  edms.manage("createsuperuser", "--noinput", "--username", SECOND, "--email", "second@example.com");
  ({ job } = JSON.parse(edms.manage("trigger_backup", "--type", "FULL", "--no-encryption", "--json")) as {
    job: string;
  });
  [first, second] = await Promise.all([visitor(), visitor()]);
});

afterAll(async () => {
  await browser.close();
  await edms.remove();
});

async function visitor(): Promise<Page> {
  const opened = await open(browser);
  opened.page.setDefaultTimeout(20_000);
  wrong.push(opened.wrong);
  return opened.page;
}

/** Signs in on the log-in page of the project, here that of Django. */
async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Log in" }).click();
}

const page = (path: string) => `http://127.0.0.1:${edms.port}/backups/${path}`;
const file = () => join(edms.home, "media", JSON.parse(edms.manage("shell", "-v0", "-c", NAME)) as string);
const NAME =
  "import json; from apps.documents.models import *; print(json.dumps(DocumentVersion.objects.first().file.name))";

test("a signed-out user is sent to the log-in page of the project, and back", async () => {
  await first.goto(page(`history/${job}`));
  await signIn(first, ADMINISTRATOR.name);
  await first.getByRole("link", { name: "Restore backup" }).waitFor();
  expect(await checkAccessibility(first)).toEqual([]);
});

test("a restore waits until a second person approves it", async () => {
  const content = readFileSync(file());
  rmSync(file());
  await first.getByRole("link", { name: "Restore backup" }).click();
  await first.getByRole("button", { name: "Create plan" }).click();
  await confirm(first, "Replace live system");
  await first.getByText(/^Requested by you/).waitFor();
  expect(await first.getByRole("button", { name: /^Approve/ }).count()).toBe(0);

  await second.goto(page("restore"));
  await signIn(second, SECOND);
  await second.getByRole("button", { name: /^Approve/ }).click();
  await second.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  // The sessions are now those of the backup, which is older than any sign-in.
  await first.getByRole("button", { name: "Sign in" }).click();
  await signIn(first, ADMINISTRATOR.name);
  await first.getByText("Previous state kept").waitFor();
  expect(readFileSync(file()).equals(content)).toBe(true);
});

test("a backup remains when the second person rejects its deletion", async () => {
  await first.goto(page(`history/${job}`));
  await first.getByRole("button", { name: "Delete…" }).click();
  const asked = (await first.getByText(/^Type .* to confirm$/).textContent()) ?? "";
  await first.getByLabel(asked).fill(asked.split(" ")[1] ?? "");
  await first.getByRole("button", { name: "Delete backup" }).click();
  await first
    .getByText(/Awaiting approval/)
    .first()
    .waitFor();
  await second.goto(page("restore"));
  await signIn(second, SECOND);
  await second.getByRole("button", { name: /^Reject/ }).click();
  await second.getByRole("textbox", { name: /^Reason/ }).fill("It is the only one");
  expect(await checkAccessibility(second)).toEqual([]);
  await second.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
  await second.getByText(/^Rejected/).waitFor();
  await first.reload();
  await first.getByRole("link", { name: "Restore backup" }).waitFor();
  expect(wrong).toEqual([[], []]);
});
