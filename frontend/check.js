/** The static checks of the front end, side by side. Prints the output of each check that fails. */

import { spawn } from "node:child_process";

const CHECKS = {
  TypeScript: ["tsc", "--noEmit"],
  ESLint: ["eslint", ".", "--cache", "--cache-location", "node_modules/.cache/eslint/", "--max-warnings", "0"],
  // Every text is translated and used, and none stands outside the catalogue.
  Texts: ["vitest", "run", "src/i18n/texts.test.ts"],
  Prettier: ["prettier", ".", "--check", "--log-level", "warn", "--cache"],
};

/** Run one command and return whether it succeeded. */
function run(name, [command, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(`node_modules/.bin/${command}`, args, { cwd: import.meta.dirname });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => (output += data));
    }
    child.on("close", (code) => {
      if (code !== 0) {
        process.stderr.write(`${name} failed:\n${output}\n`);
      }
      resolve(code === 0);
    });
  });
}

const results = await Promise.all(Object.entries(CHECKS).map(([name, command]) => run(name, command)));
process.exitCode = results.every(Boolean) ? 0 : 1;
