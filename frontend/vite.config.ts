import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Two entries: the EDMS, and the console alone for other hosts. Django reads the manifest and names the files in its pages.
export default defineConfig({
  plugins: [react()],
  base: "./",
  build: {
    outDir: "../backend/apps/backup/static/backup/console",
    emptyOutDir: true,
    manifest: "manifest.json",
    sourcemap: false,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["src/edms.tsx", "src/console.tsx"] },
  },
  // The host stays as it is asked for: Django compares it with the origin of whoever changes something.
  server: { proxy: Object.fromEntries(["/api", "/admin"].map((path) => [path, { target: "http://127.0.0.1:8000" }])) },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
    css: false,
    // One document and one copy of the libraries for all files: to load them takes longer than most tests. Each test leaves
    // nothing behind, which the setup sees to.
    isolate: false,
  },
});
