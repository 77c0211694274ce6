import { describe, expect, it } from "vitest";

import { job } from "../testing/samples";
import { type JobList, type JobPage, jobsOf, withPage } from "./jobList";

/** A page of jobs named by letters. */
function page(cursor: string, letters: string, next: string | null, asked = 0): JobPage {
  return { cursor, jobs: Array.from(letters).map((uuid) => job({ uuid })), next, asked };
}

const letters = (list: JobList) =>
  jobsOf(list)
    .map(({ uuid }) => uuid)
    .join("");
const known = [page("", "abc", "c"), page("c", "def", "f"), page("f", "ghi", null)];

describe("the list of jobs", () => {
  it("grows at its end", () => {
    const list = [page("", "abc", "c"), page("c", "def", "f")].reduce<JobList>(withPage, []);
    expect(list).toEqual([]);
    expect(letters([page("c", "def", "f"), page("f", "ghi", null)].reduce(withPage, [page("", "abc", "c")]))).toBe(
      "abcdefghi",
    );
  });

  it("takes new jobs in at its start, and keeps those that they pushed out of the page", () => {
    const list = withPage(known, page("", "xab", "b", 1));
    expect(letters(list)).toBe("xabcdefghi");
    expect(list.map(({ cursor }) => cursor)).toEqual(["", "b", "c", "f"]);
    expect(letters(withPage(list, page("b", "cde", "e", 2)))).toBe("xabcdefghi");
  });

  it("loses jobs that no longer match", () => {
    expect(letters(withPage(known, page("c", "dfg", "g", 1)))).toBe("abcdfghi");
    expect(letters(withPage(known, page("f", "gi", null, 1)))).toBe("abcdefgi");
  });

  it("starts again when more jobs are new than a page holds", () => {
    expect(letters(withPage(known, page("", "xyz", "z", 1)))).toBe("xyz");
  });

  it("ignores an older answer, and a page that is no longer part of it", () => {
    expect(withPage(known, page("", "a", null))).toBe(known);
    expect(withPage(known, page("e", "fgh", "h", 1))).toBe(known);
  });
});
