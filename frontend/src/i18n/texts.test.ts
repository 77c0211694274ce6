/** Keeps the catalogue complete, used and in plain English. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

import { catalogue as de } from "./de";
import { en } from "./en";
import { LANGUAGES, selectLanguage, t } from "./index";

const SOURCE = join(import.meta.dirname, "..");
const SHOWN_ATTRIBUTES = new Set(["alt", "aria-label", "description", "label", "placeholder", "title"]);
/** Groups whose keys are values of the API; `label` chooses them at run time. */
const VALUES = "values.";

type Catalogue = { [key: string]: string | Catalogue };

/** Every text of the catalogue by its key. A plural is one key with two texts. */
function textsOf(catalogue: Catalogue, prefix = ""): [string, string][] {
  return Object.entries(catalogue).flatMap(([name, value]): [string, string][] => {
    if (typeof value === "string") {
      return [[`${prefix}${name}`, value]];
    }
    const { one, other } = value;
    const isPlural = typeof one === "string" && typeof other === "string";
    return isPlural
      ? [
          [`${prefix}${name}`, one],
          [`${prefix}${name}`, other],
        ]
      : textsOf(value, `${prefix}${name}.`);
  });
}

/** Sources of components and their helpers, without tests. */
const sources = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !/\.test\.|\.d\.ts$|^(i18n|testing|examples)\//.test(path))
  .map((path) => {
    const text = readFileSync(join(SOURCE, path), "utf8");
    return { path, file: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX) };
  });

/** Call `visit` for each node of all sources. */
function walk(visit: (node: ts.Node, path: string) => void): void {
  for (const { path, file } of sources) {
    const into = (node: ts.Node): void => {
      visit(node, path);
      ts.forEachChild(node, into);
    };
    into(file);
  }
}

const texts = textsOf(en);

/** Patterns of all keys that the sources name: `t("a.b")` or a template such as `t(`a.${state}`)`. */
function usedKeys(): RegExp {
  const patterns = new Set<string>();
  const escape = (text: string) => text.replaceAll(".", "\\.");
  walk((node) => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      patterns.add(escape(node.text));
    } else if (ts.isTemplateExpression(node) && node.head.text.includes(".")) {
      const parts = node.templateSpans.map((span) => `\\w+${escape(span.literal.text)}`);
      patterns.add(escape(node.head.text) + parts.join(""));
    }
  });
  const keys = [...patterns].filter((pattern) => /^\w+(\\\.|\\w\+|\w)*$/.test(pattern));
  return new RegExp(`^(${keys.join("|")})$`);
}

/** The names between braces. */
const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();

describe("the texts", () => {
  it("are all used", () => {
    const used = usedKeys();
    const unused = texts.map(([key]) => key).filter((key) => !key.startsWith(VALUES) && !used.test(key));
    expect([...new Set(unused)]).toEqual([]);
  });

  it("all come from the catalogue", () => {
    const found: string[] = [];
    walk((node, path) => {
      const isText = ts.isJsxText(node) && /\p{L}{2}/u.test(node.text);
      const isAttribute =
        ts.isJsxAttribute(node) &&
        SHOWN_ATTRIBUTES.has(node.name.getText()) &&
        node.initializer !== undefined &&
        ts.isStringLiteral(node.initializer) &&
        /\p{L}{2}/u.test(node.initializer.text) &&
        !texts.some(
          ([key]) =>
            ts.isStringLiteral(node.initializer as ts.Node) && key === (node.initializer as ts.StringLiteral).text,
        );
      if (isText || isAttribute) {
        found.push(`${path}: ${node.getText().trim()}`);
      }
    });
    expect(found).toEqual([]);
  });

  it("are chosen while a page is drawn, in the language of that moment", () => {
    const found: string[] = [];
    walk((node, path) => {
      const isText = ts.isCallExpression(node) && ["t", "label"].includes(node.expression.getText());
      if (isText && ts.findAncestor(node, ts.isFunctionLike) === undefined) {
        found.push(`${path}: ${node.getText()}`);
      }
    });
    expect(found).toEqual([]);
  });

  it("have the same placeholders in German", () => {
    const english = new Map(texts.map(([key, text]) => [key, placeholders(text)]));
    const wrong = textsOf(de as Catalogue).filter(
      ([key, text]) => String(placeholders(text)) !== String(english.get(key)),
    );
    expect(wrong).toEqual([]);
  });

  it("come in the chosen language, with its plural and its numbers", async () => {
    expect(LANGUAGES).toEqual(["en", "de"]);
    const said = () => [
      t("common.close"),
      t("app.home.documentCount", { count: 1 }),
      t("history.all", { count: 1234 }),
    ];
    await selectLanguage("de");
    expect(said()).toEqual(["Schließen", "1 Dokument", "1.234 Läufe"]);
    await selectLanguage("en");
    expect(said()).toEqual(["Close", "1 document", "1,234 jobs"]);
  });

  it("are in plain English", () => {
    const wrong = texts.filter(
      ([, text]) =>
        /\b(somebody|nobody|everybody|whoever|whatever)\b/i.test(text) ||
        /(^|[.!?:] )(Who|Whoever|What|Where)\b[^.?!]*[.!]/.test(text),
    );
    expect(wrong).toEqual([]);
  });
});
