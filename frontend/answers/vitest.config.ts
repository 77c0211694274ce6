import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Runs the console on recorded answers of a real server. tests/backup/doctor/test_page.py records them. */
export default defineConfig({
  plugins: [react()],
  test: {
    include: ["answers/*.answers.tsx"],
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    testTimeout: 120_000,
    css: false,
  },
});
