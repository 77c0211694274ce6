import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { ActionButton } from "./ActionButton";

it("keeps the focus while its action runs, and ignores clicks and the form's Enter", async () => {
  const user = userEvent.setup();
  const done: string[] = [];
  const shown = (pending: boolean) => (
    <MantineProvider>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          done.push("submitted");
        }}
      >
        <input aria-label="Name" />
        <ActionButton type="submit" pending={pending} onClick={() => done.push("clicked")}>
          Save
        </ActionButton>
      </form>
    </MantineProvider>
  );
  const { rerender } = render(shown(false));
  const button = screen.getByRole("button", { name: "Save" });
  await user.click(button);
  expect(done).toEqual(["clicked", "submitted"]);

  rerender(shown(true));
  expect(document.activeElement).toBe(button);
  expect(button.getAttribute("aria-busy")).toBe("true");
  await user.click(button);
  await user.keyboard("{Enter}");
  await user.type(screen.getByRole("textbox"), "a{Enter}");
  expect(done).toEqual(["clicked", "submitted"]);
});
