import { describe, expect, it } from "vitest";

import { queryOf, withFilter } from "./filters";

const asked = (address: string) => queryOf(new URLSearchParams(address));

describe("the address as a question to the server", () => {
  it("takes every filter", () => {
    const configuration = "0b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0002";
    expect(
      asked(
        `q=night&status=FAILED&status=TIMEOUT&type=FULL&trigger=API&trust=DAMAGED&kept=no&order=-stored_size&configuration=${configuration}`,
      ),
    ).toEqual({
      search: "night",
      status: ["FAILED", "TIMEOUT"],
      backup_type: "FULL",
      trigger: "API",
      trust: "DAMAGED",
      has_backup: false,
      ordering: "-stored_size",
      configuration,
    });
  });

  it("asks for whole days of the user's own zone", () => {
    const { queued_after: after, queued_before: before } = asked("after=2026-11-24&before=2026-11-24");
    expect(new Date(after ?? "")).toEqual(new Date(2026, 10, 24));
    expect(new Date(before ?? "")).toEqual(new Date(2026, 10, 25));
  });

  it("leaves out what nobody knows", () => {
    expect(asked("status=LOST&type=X&order=colour&after=yesterday&configuration=1&q=%20")).toEqual({});
  });

  it("takes a filter away without touching the others", () => {
    const changed = withFilter(new URLSearchParams("status=FAILED&status=MISSED&q=a"), "status", []);
    expect(changed.toString()).toBe("q=a");
  });
});
