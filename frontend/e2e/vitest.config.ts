import { defineConfig } from "vitest/config";

/** The EDMS as people have it: a real server, a real agent, a real browser. */
export default defineConfig({
  test: {
    include: ["e2e/*.e2e.ts"],
    environment: "node",
    // Two stories, each with a server and a browser of its own, are less than two processors can do.
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    bail: 1,
  },
});
