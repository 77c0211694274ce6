import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { expect, it } from "vitest";

import { useFocusRestore } from "./focusRestore";

function Page() {
  useFocusRestore();
  const [rows, setRows] = useState(["first", "second"]);
  const [working, setWorking] = useState("");
  const remove = (row: string) => setRows((before) => before.filter((one) => one !== row));
  const work = (row: string) => {
    setWorking(row);
    setTimeout(() => remove(row), 20);
  };
  return (
    <>
      <h1>Page</h1>
      <h2>Rows</h2>
      {rows.map((row) => (
        <button key={row} disabled={working === row} onDoubleClick={() => work(row)} onClick={() => remove(row)}>
          {row}
        </button>
      ))}
      <h2>Below</h2>
    </>
  );
}

const focused = () => document.activeElement?.textContent;

it("moves the focus to the heading above a removed element", async () => {
  render(<Page />);
  const second = screen.getByText("second");
  second.focus();
  fireEvent.click(second);
  await waitFor(() => expect(focused()).toBe("Rows"));
});

it("moves the focus when a button disappears while it works", async () => {
  render(<Page />);
  const second = screen.getByText("second");
  second.focus();
  fireEvent.doubleClick(second);
  await waitFor(() => expect(second.isConnected).toBe(false));
  await waitFor(() => expect(focused()).toBe("Rows"));
});

it("does not move the focus back when the user has left the element", async () => {
  render(<Page />);
  const second = screen.getByText("second");
  second.focus();
  second.blur();
  await Promise.resolve();
  fireEvent.click(second);
  await new Promise((done) => setTimeout(done, 150));
  expect(document.activeElement).toBe(document.body);
});
