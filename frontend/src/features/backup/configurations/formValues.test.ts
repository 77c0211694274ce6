import { describe, expect, it } from "vitest";

import { configuration } from "../../../testing/samples";
import { changesOf, draftOf, NEW_DRAFT, requestOf } from "./formValues";

describe("the values of the form", () => {
  it("return to the API as they came", () => {
    const row = configuration({
      frequency: "WEEKLY",
      schedule_time: "03:30:00",
      schedule_days: [6, 0],
      include: ["files/media", "databases/default"],
      time_limit_minutes: null,
    });
    const draft = draftOf(row);
    expect(draft).toMatchObject({ schedule_time: "03:30", include: "files/media\ndatabases/default" });
    expect(requestOf(draft)).toMatchObject({
      frequency: "WEEKLY",
      schedule_time: "03:30",
      schedule_days: [0, 6],
      include: ["files/media", "databases/default"],
      time_limit_minutes: null,
    });
  });

  it("leave out a required number that is empty, and send an optional one as null", () => {
    const request = requestOf({ ...NEW_DRAFT, retention_days: "", schedule_day_of_month: "" });
    expect(request).not.toHaveProperty("retention_days");
    expect(request.schedule_day_of_month).toBeNull();
  });

  it("send only the changed fields", () => {
    const changed = { ...NEW_DRAFT, name: "weekly", exclude: " *.tmp \n\n" };
    expect(changesOf(changed, NEW_DRAFT)).toEqual({ name: "weekly", exclude: ["*.tmp"] });
    expect(changesOf(NEW_DRAFT, { ...NEW_DRAFT })).toEqual({});
  });
});
