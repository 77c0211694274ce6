import { act, render, screen } from "@testing-library/react";
import { expect, it, onTestFinished, vi } from "vitest";

import { useRelativeTime } from "./relativeTime";

function Age({ at }: { at: string }) {
  return <p>{useRelativeTime()(at)}</p>;
}

it("updates a relative time while the clock runs, without any news", () => {
  vi.useFakeTimers({ now: Date.parse("2026-11-24T12:00:00Z") });
  onTestFinished(() => void vi.useRealTimers());
  render(<Age at="2026-11-24T11:59:30Z" />);
  expect(screen.getByText("30 seconds ago")).toBeTruthy();
  act(() => vi.advanceTimersByTime(3_600_000));
  expect(screen.getByText("60 minutes ago")).toBeTruthy();
});
