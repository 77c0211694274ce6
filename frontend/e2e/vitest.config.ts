import { defineConfig } from "vitest/config";

/** The EDMS as people have it: a real server, a real agent, a real browser. One story after the other. */
export default defineConfig({
  test: {
    include: ["e2e/*.e2e.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    bail: 1,
  },
});
