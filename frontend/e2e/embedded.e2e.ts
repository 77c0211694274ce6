/** Embeds the console in a plain Vite application, which has a token and no session. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import type { Browser, Page } from "playwright-core";
import { build, preview, type PreviewServer } from "vite";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { checkAccessibility } from "./accessibility";
import { FIRST_LOAD_BYTES, launch, open, scriptBytes } from "./browser";
import { ADMINISTRATOR, Edms } from "./edms";

const folder = mkdtempSync(join(tmpdir(), "embedded-"));
let edms: Edms;
let browser: Browser;
let server: PreviewServer;
let page: Page;
let wrong: string[];

beforeAll(async () => {
  const root = join(import.meta.dirname, "embedded");
  const outDir = join(folder, "dist");
  // The runner of the tests has set another environment, for which React would be built with its warnings.
  vi.stubEnv("NODE_ENV", "production");
  const shared = { root, configFile: false as const, logLevel: "warn" as const };
  [edms, browser] = await Promise.all([
    Edms.make(),
    launch(),
    build({ ...shared, plugins: [react()], build: { outDir, emptyOutDir: true } }),
  ]);
  vi.unstubAllEnvs();
  // The API is on another server; the application passes its requests on, as a reverse proxy does.
  const target = `http://127.0.0.1:${edms.port}`;
  server = await preview({
    ...shared,
    build: { outDir },
    preview: { host: "127.0.0.1", port: 0, proxy: { "/api": { target } } },
  });
  edms.manage("trigger_backup", "--type", "FULL");
  ({ page, wrong } = await open(browser));
  page.setDefaultTimeout(20_000);
});

afterAll(async () => {
  await browser.close();
  await server.close();
  await edms.remove();
  rmSync(folder, { recursive: true });
});

const address = (path: string) => new URL(path, server.resolvedUrls?.local[0]).href;

test("it takes the address, the token, the language and the colours of the application", async () => {
  const token = /token (\w+) for/.exec(edms.manage("drf_create_token", ADMINISTRATOR.name))?.[1] ?? "";
  await page.addInitScript((value) => localStorage.setItem("token", value), token);
  await page.goto(address("/backups/history"));
  await page.getByRole("heading", { level: 1, name: "Datensicherung" }).waitFor();
  await page.getByRole("main").getByRole("link").first().waitFor();
  expect(page.url()).toBe(address("/backups/history"));
  expect(await page.context().cookies()).toEqual([]);
  const link = page.getByRole("main").getByRole("link").first();
  const colours = await link.evaluate((one) => {
    const style = getComputedStyle(one);
    return ["primary-color", "color-grape", "color-indigo"].map((name) =>
      style.getPropertyValue(`--mantine-${name}-filled`),
    );
  });
  expect(colours[0]).toBe(colours[1]);
  expect(colours[0]).not.toBe(colours[2]);
  await page.getByRole("tab", { name: "Konfigurationen" }).click();
  await page.getByText("production_daily_full").first().waitFor();
  expect(page.url()).toBe(address("/backups/configurations"));
  expect(await checkAccessibility(page)).toEqual([]);
  expect(wrong).toEqual([]);
});

test("its first load is small", async () => {
  await page.goto(address("/backups/overview"));
  await page.getByRole("heading", { level: 1, name: "Datensicherung" }).waitFor();
  const all = readdirSync(join(folder, "dist/assets")).filter((name) => name.endsWith(".js"));
  const compressed = all.map((name) => gzipSync(readFileSync(join(folder, "dist/assets", name))).length);
  const loaded = await scriptBytes(page);
  expect(loaded).toBeLessThan(FIRST_LOAD_BYTES);
  expect(loaded).toBeLessThan(compressed.reduce((sum, size) => sum + size, 0));
});

test("it tells the application that the token does not count any more", async () => {
  edms.manage("shell", "-c", "from rest_framework.authtoken.models import Token; Token.objects.all().delete()");
  await page.goto(address("/backups/history"));
  await page.locator("body[data-signed-out]").waitFor();
});
