import { MantineProvider } from "@mantine/core";
import { render, screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import { statistics } from "../../../testing/samples";
import { theme } from "../../../theme";
import { TrendCharts } from "./TrendCharts";

const EMPTY = statistics().days.slice(0, 1);
const [, FULL] = statistics().days;
const day = (number: number, logical: number, stored: number) => ({
  ...(FULL as NonNullable<typeof FULL>),
  ...{ date: `2026-11-${10 + number}`, results: { COMPLETED: 1 }, logical_bytes: logical, stored_bytes: stored },
  ...{ median_seconds: 5, new_files: 0, changed_files: 0 },
});
const shown = (days: Parameters<typeof TrendCharts>[0]["days"]) => (
  <MantineProvider theme={theme}>
    <TrendCharts days={days} />
  </MantineProvider>
);
const sizes = () => screen.getByRole("region", { name: "Data read and stored" });

it("writes a constant value instead of drawing it, and leaves days without a backup out", () => {
  render(shown([day(1, 25_000_000, 1000), ...EMPTY, day(2, 25_000_000, 1000)]));
  expect(within(sizes()).getByText(/^Read: 25(.0)? MB each time, on 2 days/)).toBeTruthy();
  expect(within(sizes()).getByText(/^Stored: .* each time, on 2 days/)).toBeTruthy();
  expect(within(sizes()).queryByRole("img")).toBeNull();
});

it("begins at zero, and says where it does not", () => {
  const { rerender } = render(shown([day(1, 20_000, 10_000), day(2, 30_000, 10_000)]));
  expect(within(sizes()).getByRole("img")).toBeTruthy();
  expect(within(sizes()).queryByText(/Logarithmic scale/)).toBeNull();
  rerender(shown([day(1, 20_000_000, 10), day(2, 30_000_000, 10)]));
  expect(within(sizes()).getByText(/Logarithmic scale/)).toBeTruthy();
});
