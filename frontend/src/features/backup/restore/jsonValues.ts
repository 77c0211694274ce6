/** Safe reads of JSON that the API types as any object. */

export type Values = Record<string, unknown>;

const isValues = (value: unknown): value is Values => typeof value === "object" && value !== null;
export const text = (value: unknown) => (typeof value === "string" ? value : "");
export const numberOrNull = (value: unknown) => (typeof value === "number" ? value : null);
export const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
export const objects = (value: unknown) => (Array.isArray(value) ? value.filter(isValues) : []);
