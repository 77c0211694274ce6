import { MantineProvider } from "@mantine/core";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, it, onTestFinished, vi } from "vitest";

import { SearchField } from "./SearchField";

function start() {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const searches: string[] = [];
  const field = (value: string) => (
    <MantineProvider>
      <SearchField label="Search" value={value} onChange={(text) => searches.push(text)} />
    </MantineProvider>
  );
  const { rerender } = render(field("old"));
  const type = (text: string) => fireEvent.change(screen.getByLabelText("Search"), { target: { value: text } });
  const pause = () => act(() => vi.advanceTimersByTime(1_000));
  return { searches, type, pause, show: (value: string) => rerender(field(value)) };
}

it("searches once after a pause in typing", () => {
  const { searches, type, pause } = start();
  type("olde");
  type("older");
  expect(searches).toEqual([]);
  void pause();
  expect(searches).toEqual(["older"]);
});

it("follows a search that changes from outside, and forgets unsent text", () => {
  const { searches, type, pause, show } = start();
  type("older");
  show("");
  void pause();
  expect(screen.getByLabelText<HTMLInputElement>("Search").value).toBe("");
  expect(searches).toEqual([]);
});
