import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Two entries: the EDMS, and the console alone for other hosts. Django reads the manifest for the names of the files.
export default defineConfig({
  plugins: [react()],
  base: "./",
  build: {
    outDir: "../backend/apps/backup/static/backup/console",
    emptyOutDir: true,
    manifest: "manifest.json",
    sourcemap: false,
    modulePreload: { polyfill: false },
    // The icon stays a file, whose address the page takes from the manifest.
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["src/edms.tsx", "src/console.tsx"] },
  },
  // Keep the host: Django compares it with the origin of a change.
  server: { proxy: Object.fromEntries(["/api", "/admin"].map((path) => [path, { target: "http://127.0.0.1:8000" }])) },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
    css: false,
    // One document and one copy of the libraries for all files: loading them takes longer than most tests. The setup
    // cleans up after each test.
    isolate: false,
  },
});
