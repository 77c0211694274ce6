import { useQuery } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import type { ReactNode } from "react";
import { expect, it, onTestFinished, vi } from "vitest";

import { problem, status } from "../testing/samples";
import { FakeEventSource, server } from "../testing/setup";
import { ApiProvider, useApi } from "./ApiProvider";
import { EventsProvider, useConnection } from "./events";
import { statusQuery } from "./queries";

function State() {
  const { state, since } = useConnection();
  return <p title={since?.toISOString()}>{state}</p>;
}

function show(parts: ReactNode) {
  render(
    <ApiProvider baseUrl="http://localhost:3000/api">
      <EventsProvider>{parts}</EventsProvider>
    </ApiProvider>,
  );
}

it("polls every few seconds while no events arrive, and knows the age of its answers", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const pass = (seconds: number) => act(() => vi.advanceTimersByTime(seconds * 1_000));
  let asked = 0;
  server.use(
    http.get("http://localhost:3000/api/system/status/", () =>
      HttpResponse.json(status({ total_backups: (asked += 1) })),
    ),
  );
  function Total() {
    return <p>{useQuery(statusQuery(useApi())).data?.total_backups ?? "?"} backups</p>;
  }
  show(
    <>
      <State />
      <Total />
    </>,
  );
  await screen.findByText("live");
  FakeEventSource.opens = false;
  vi.spyOn(FakeEventSource.prototype, "readyState", "get").mockReturnValue(2);
  onTestFinished(() => void vi.restoreAllMocks());
  act(() => FakeEventSource.all[0]?.onerror?.());
  const before = (await screen.findByText("connecting")).title;
  // Counts the requests that the refused stream triggered, and those after it.
  await screen.findByText("2 backups");
  void pass(5);
  await screen.findByText("3 backups");
  await waitFor(() => expect(screen.getByText("asking").title > before).toBe(true));
  server.use(http.get("http://localhost:3000/api/system/status/", () => HttpResponse.error()));
  void pass(20);
  await screen.findByText("connecting");
});

it("repeats unanswered requests while events arrive", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  server.use(http.get("http://localhost:3000/api/system/status/", () => HttpResponse.error()));
  function Total() {
    const { data, error } = useQuery({ ...statusQuery(useApi()), retry: false });
    return <p>{data ? `${data.total_backups} backups` : (error?.message ?? "?")}</p>;
  }
  show(
    <>
      <State />
      <Total />
    </>,
  );
  await screen.findByText(/^The server is unreachable/);
  await screen.findByText("live");
  server.use(
    http.get("http://localhost:3000/api/system/status/", () => HttpResponse.json(status({ total_backups: 7 }))),
  );
  act(() => vi.advanceTimersByTime(5_000));
  await screen.findByText("7 backups");
});

it("keeps one stream, however many events arrive", async () => {
  show(<State />);
  expect(await screen.findByText("live")).toBeTruthy();
  act(() => {
    FakeEventSource.all[0]?.dispatchEvent(new Event("job"));
    FakeEventSource.all[0]?.onerror?.();
  });
  expect(screen.getByText("live")).toBeTruthy();
  expect(FakeEventSource.all).toHaveLength(1);
});

it("stays live on a server that ends each stream at once, and reports the loss when none opens", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const states = new Set<string>();
  function Watched() {
    states.add(useConnection().state);
    return null;
  }
  show(<Watched />);
  const stream = FakeEventSource.all[0];
  const pass = (seconds: number) => act(() => vi.advanceTimersByTimeAsync(seconds * 1_000));
  await pass(0);
  states.clear();
  for (let turn = 0; turn < 10; turn += 1) {
    act(() => stream?.onerror?.());
    await pass(2);
    act(() => stream?.onopen?.());
  }
  expect([...states]).toEqual(["live"]);
  for (let turn = 0; turn < 4; turn += 1) {
    act(() => stream?.onerror?.());
    await pass(2);
  }
  expect([...states]).toEqual(["live", "connecting"]);
});

it("does not repeat refused requests after a reconnect", async () => {
  let asked = 0;
  server.use(
    http.get("http://localhost:3000/api/system/status/", () => {
      asked += 1;
      return HttpResponse.json(problem(403, "Not for you."), { status: 403 });
    }),
  );
  function Refused() {
    return <p>{useQuery({ ...statusQuery(useApi()), retry: false }).error?.message ?? "?"}</p>;
  }
  show(<Refused />);
  await screen.findByText("Not for you.");
  await act(async () => FakeEventSource.all[0]?.onopen?.());
  expect(screen.getByText("Not for you.")).toBeTruthy();
  expect(asked).toBe(1);
});
