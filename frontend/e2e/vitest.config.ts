import { defineConfig } from "vitest/config";

/** Runs the stories on a real server, with a real agent and a real browser. */
export default defineConfig({
  test: {
    include: ["e2e/*.e2e.ts"],
    environment: "node",
    // Each story has its own server and browser. More than two at a time are too much for two processors.
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    bail: 1,
  },
});
