import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { expect, it } from "vitest";

import { useKeptFocus } from "./focus";

function Page() {
  useKeptFocus();
  const [rows, setRows] = useState(["first", "second"]);
  return (
    <>
      <h1>Page</h1>
      <h2>Rows</h2>
      {rows.map((row) => (
        <button key={row} onClick={() => setRows((before) => before.filter((one) => one !== row))}>
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
