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
    rollupOptions: { input: ["src/edms.tsx", "src/console.tsx"] },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/admin": "http://127.0.0.1:8000" } },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    css: false,
  },
});
