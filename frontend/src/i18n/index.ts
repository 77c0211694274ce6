/** All text, from one catalogue. Another language is another catalogue of the same shape. */

import { en } from "./en";

/** The language of the catalogue, for what the browser puts into words itself. */
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

/** The text of a key, with `{name}` replaced by the value of that name. A plural is chosen by `count`. */
export function t(key: TextKey, values: Values = {}): string {
  const found = find(key);
  const count = Number(values["count"] ?? 0);
  const text = typeof found === "string" ? found : plurals.select(count) === "one" ? found.one : found.other;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? value.toLocaleString(LANGUAGE) : value;
  });
}

/** The text of a value that the server knows by a word in capitals, such as a status; the word itself if it is new. */
export function label(group: keyof (typeof en)["values"], value: string): string {
  const texts: Record<string, string> = en.values[group];
  return texts[value] ?? value;
}
