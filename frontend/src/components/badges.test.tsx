import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";

import { JobStatusBadge } from "./badges";

const COLOURS: [string, { status: string; trust: string; missing?: string }, string][] = [
  ["green for a completed job with a sound backup", { status: "COMPLETED", trust: "VERIFIED", missing: "" }, "green"],
  ["not green once the backup is damaged", { status: "COMPLETED", trust: "DAMAGED" }, "gray"],
  ["not green once the backup is missing", { status: "COMPLETED", trust: "VERIFIED", missing: "gone" }, "gray"],
  ["red for a failed job with a damaged backup", { status: "FAILED", trust: "DAMAGED" }, "red"],
];

it.each(COLOURS)("is %s", (_name, job, colour) => {
  render(<JobStatusBadge job={job} />);
  expect(screen.getByText(/./).dataset["colour"]).toBe(colour);
});
