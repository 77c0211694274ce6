/** The catalogue of all texts. Another language is another catalogue of the same shape. */

import { en } from "./en";

/** The language of the catalogue, for the formats of the browser. */
export const LANGUAGE = "en";

type Leaves<T, Path extends string = ""> = {
  [Key in keyof T & string]: T[Key] extends string
    ? `${Path}${Key}`
    : T[Key] extends { one: string; other: string }
      ? `${Path}${Key}`
      : Leaves<T[Key], `${Path}${Key}.`>;
}[keyof T & string];

export type TextKey = Leaves<typeof en>;
export type Values = Record<string, string | number>;

type Plural = { one: string; other: string };
type Catalogue = { [key: string]: string | Plural | Catalogue };

const catalogue: Catalogue = en;
const plurals = new Intl.PluralRules(LANGUAGE);

function find(key: string): string | Plural {
  let found: string | Plural | Catalogue | undefined = catalogue;
  for (const part of key.split(".")) {
    found = typeof found === "object" ? (found as Catalogue)[part] : undefined;
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
  const text = typeof found === "string" ? found : plurals.select(count) === "one" ? found.one : found.other;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? value.toLocaleString(LANGUAGE) : value;
  });
}

/** Return the label of an API value such as a status. An unknown value is its own label. */
export function label(group: keyof (typeof en)["values"], value: string): string {
  const texts: Record<string, string> = en.values[group];
  return texts[value] ?? value;
}
