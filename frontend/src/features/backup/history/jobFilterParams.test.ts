import { describe, expect, it } from "vitest";

import { dayOf, queryOf, withFilter } from "./jobFilterParams";

const asked = (address: string) => queryOf(new URLSearchParams(address));

describe("the filters in the address", () => {
  it("sends every filter to the server", () => {
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

  it("sends whole days in the zone of the user", () => {
    const { queued_after: after, queued_before: before } = asked("after=2026-11-24&before=2026-11-24");
    expect(new Date(after ?? "")).toEqual(new Date(2026, 10, 24));
    expect(new Date(before ?? "")).toEqual(new Date(2026, 10, 25));
  });

  it("sends the days of another zone as timestamps, and shows them in the zone of the user", () => {
    const address = new URLSearchParams({ after: "2026-11-24T00:00:00+09:00", before: "2026-11-25T00:00:00+09:00" });
    expect(queryOf(address)).toEqual({
      queued_after: "2026-11-23T15:00:00.000Z",
      queued_before: "2026-11-24T15:00:00.000Z",
    });
    const last = new Date(Date.UTC(2026, 10, 24, 14, 59, 59));
    expect(new Date(`${dayOf(address, "before")}T00:00`).getDate()).toBe(last.getDate());
    expect(dayOf(new URLSearchParams("after=2026-11-24"), "after")).toBe("2026-11-24");
  });

  it("ignores unknown values", () => {
    expect(
      asked("status=LOST&type=X&order=colour&after=yesterday&before=2026-11-24Tnoon&configuration=1&q=%20"),
    ).toEqual({});
  });

  it("removes one filter and keeps the others", () => {
    const changed = withFilter(new URLSearchParams("status=FAILED&status=MISSED&q=a"), "status", []);
    expect(changed.toString()).toBe("q=a");
  });
});
