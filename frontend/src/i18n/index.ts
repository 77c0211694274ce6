/**
 * All texts, in the language of the user. English is part of the page; each other language is a file beside this one,
 * `fr.ts`, which exports a `catalogue` of the same shape and loads on demand.
 */

import { en } from "./en";

type Leaves<T, Path extends string = ""> = {
  [Key in keyof T & string]: T[Key] extends string
    ? `${Path}${Key}`
    : T[Key] extends { one: string; other: string }
      ? `${Path}${Key}`
      : Leaves<T[Key], `${Path}${Key}.`>;
}[keyof T & string];

/** The forms of a text by the plural rules of its language. `other` is the form for all remaining numbers. */
type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** The shape of a part of the English catalogue, with other texts. */
export type Translation<T> = {
  readonly [Key in keyof T]: T[Key] extends string
    ? string
    : T[Key] extends { one: string; other: string }
      ? Plural
      : Translation<T[Key]>;
};

export type TextKey = Leaves<typeof en>;
export type Values = Record<string, string | number>;
export type Catalogue = Translation<typeof en>;

type Texts = { readonly [key: string]: string | Plural | Texts };

const FALLBACK = "en";
const files = import.meta.glob<{ catalogue: Catalogue }>("./[a-z][a-z].ts");

/** The codes of all languages, English first. */
export const LANGUAGES: readonly string[] = [
  FALLBACK,
  ...Object.keys(files)
    .map((path) => path.slice(2, -3))
    .filter((code) => code !== FALLBACK)
    .sort(),
];

let language = FALLBACK;
let catalogue: Catalogue = en;
let plurals = new Intl.PluralRules(FALLBACK);
/** The language asked for last. Its catalogue may still load. */
let asked = FALLBACK;

/** Return the code of the language in which `t` answers. */
export function currentLanguage(): string {
  return language;
}

/** Return the language of the catalogues that the user reads best, by the settings of the browser. */
export function browserLanguage(): string {
  const codes = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return codes.find((code) => LANGUAGES.includes(code)) ?? FALLBACK;
}

/**
 * Return the variety of the current language for dates and numbers: that of the browser where it speaks the language,
 * such as `en-GB`, otherwise the language itself.
 */
export function locale(): string {
  return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === language) ?? language;
}

/** Return the name of a language in that language. */
export function languageName(code: string): string {
  const name = new Intl.DisplayNames(code, { type: "language" }).of(code) ?? code;
  return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
}

/** Load the catalogue of a language and let `t` answer in it. An unknown language is English. Rejects when it cannot be loaded. */
export async function selectLanguage(code: string): Promise<void> {
  asked = code;
  const load = code === FALLBACK ? undefined : files[`./${code}.ts`];
  const loaded = load ? (await load()).catalogue : en;
  if (asked === code) {
    catalogue = loaded;
    language = load ? code : FALLBACK;
    plurals = new Intl.PluralRules(language);
  }
}

function find(key: string): string | Plural {
  let found: string | Plural | Texts | undefined = catalogue;
  for (const part of key.split(".")) {
    found = typeof found === "object" ? (found as Texts)[part] : undefined;
  }
  if (found === undefined || (typeof found === "object" && !("other" in found))) {
    throw new Error(`There is no text ${key}.`);
  }
  return found as string | Plural;
}

/** Return the text of a key, with each `{name}` replaced by its value. `count` selects the plural. */
export function t(key: TextKey, values: Values = {}): string {
  const found = find(key);
  const count = Number(values["count"] ?? 0);
  const text = typeof found === "string" ? found : (found[plurals.select(count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

/** Return a number with the separators of the language. */
export function number(value: number): string {
  return value.toLocaleString(locale());
}

/** Return the label of an API value such as a status. An unknown value is its own label. */
export function label(group: keyof Catalogue["values"], value: string): string {
  const texts: Record<string, string> = catalogue.values[group];
  return texts[value] ?? value;
}
