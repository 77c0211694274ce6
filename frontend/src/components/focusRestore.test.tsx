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

it("leaves the focus to the heading above what is gone", async () => {
  render(<Page />);
  const second = screen.getByText("second");
  second.focus();
  fireEvent.click(second);
  await waitFor(() => expect(focused()).toBe("Rows"));
});

it("does so, too, where a button goes while it works", async () => {
  render(<Page />);
  const second = screen.getByText("second");
  second.focus();
  fireEvent.doubleClick(second);
  await waitFor(() => expect(second.isConnected).toBe(false));
  await waitFor(() => expect(focused()).toBe("Rows"));
});

it("does not bring back who has left it", async () => {
  render(<Page />);
  const second = screen.getByText("second");
  second.focus();
  second.blur();
  await Promise.resolve();
  fireEvent.click(second);
  await new Promise((done) => setTimeout(done, 150));
  expect(document.activeElement).toBe(document.body);
});
