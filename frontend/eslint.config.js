/** Static rules for the front end: types, hooks, accessibility, layers and texts. `npm run check` runs them. */

import boundaries from "eslint-plugin-boundaries";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const GENERATED = ["src/api/schema.d.ts", "src/api/edms.d.ts"];

/** Each layer with the layers that it may import. Features never import each other. */
const LAYERS = [
  { from: "i18n", allow: ["i18n"] },
  { from: "api", allow: ["api", "i18n"] },
  { from: "theme", allow: ["theme"] },
  { from: "components", allow: ["components", "api", "i18n"] },
  { from: "feature", allow: [["feature", { feature: "${from.feature}" }], "components", "api", "i18n", "theme"] },
  { from: "app", allow: ["app", "feature", "components", "api", "i18n", "theme"] },
  { from: "door", allow: ["feature"] },
  { from: "example", allow: ["door", "api"] },
  { from: "entry", allow: ["app", "door", "entry"] },
];

export default tseslint.config(
  { ignores: ["node_modules", ...GENERATED] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["eslint.config.js", "check.js"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      // A number in a template is as clear as a string.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `() => setOpened(true)` returns nothing worth naming.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      eqeqeq: "error",
      "no-console": "error",
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", 150],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}", "answers/**/*.tsx"],
    plugins: { "react-hooks": reactHooks },
    rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" },
  },
  {
    files: ["src/**/*.tsx"],
    ...jsxA11y.flatConfigs.strict,
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["src/**/*.test.*", "src/testing/**"],
    plugins: { boundaries },
    settings: {
      "import/resolver": { node: { extensions: [".ts", ".tsx", ".d.ts"] } },
      "boundaries/elements": [
        { type: "door", pattern: "src/components/backup/BackupManagement.tsx", mode: "full" },
        { type: "feature", pattern: "src/features/*", capture: ["feature"] },
        { type: "app", pattern: "src/app" },
        { type: "components", pattern: "src/components" },
        { type: "api", pattern: "src/api" },
        { type: "i18n", pattern: "src/i18n" },
        { type: "example", pattern: "src/examples" },
        { type: "theme", pattern: "src/theme*", mode: "full" },
        { type: "entry", pattern: "src/*", mode: "full" },
      ],
    },
    rules: {
      "boundaries/no-unknown-files": "error",
      "boundaries/no-unknown": "error",
      "boundaries/element-types": ["error", { default: "disallow", rules: LAYERS }],
    },
  },
  {
    files: ["**/*.test.{ts,tsx}"],
    rules: {
      "max-lines": ["error", 400],
      "max-lines-per-function": "off",
      // `act` returns a promise only for work that returns one, and needs an asynchronous function to flush promises.
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "react", name: "act" }] },
      ],
      "@typescript-eslint/require-await": "off",
    },
  },
  { files: ["*.js"], ...tseslint.configs.disableTypeChecked },
);
