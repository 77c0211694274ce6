import { act, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";

import { FakeEventSource } from "../testing/setup";
import { ApiProvider } from "./context";
import { EventsProvider, useConnection } from "./events";

function State() {
  return <p>{useConnection().state}</p>;
}

it("keeps one stream, however much happens on it", async () => {
  render(
    <ApiProvider baseUrl="http://localhost:3000/api">
      <EventsProvider>
        <State />
      </EventsProvider>
    </ApiProvider>,
  );
  expect(await screen.findByText("live")).toBeTruthy();
  act(() => {
    FakeEventSource.all[0]?.dispatchEvent(new Event("job"));
    FakeEventSource.all[0]?.onerror?.();
  });
  expect(await screen.findByText("connecting")).toBeTruthy();
  expect(FakeEventSource.all).toHaveLength(1);
});
