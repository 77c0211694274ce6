import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";

import { Loaded } from "./states";

type Answer = (data: Promise<string>) => void;

function start() {
  const asked: Answer[] = [];
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  function Page({ name }: { name: string }) {
    const query = useQuery({ queryKey: [name], queryFn: () => new Promise<string>((resolve) => asked.push(resolve)) });
    return <Loaded query={query}>{(data) => <p>{data}</p>}</Loaded>;
  }
  const page = (name: string) => (
    <MantineProvider>
      <QueryClientProvider client={queries}>
        <Page name={name} />
      </QueryClientProvider>
    </MantineProvider>
  );
  const { rerender } = render(page("first"));
  const answer = (data: Promise<string>) => act(async () => asked.shift()?.(data));
  return { queries, answer, show: (name: string) => rerender(page(name)) };
}

it("keeps the error and the focus of its button during a retry", async () => {
  const { queries, answer } = start();
  screen.getByRole("status");
  await answer(Promise.reject(new Error("Not now.")));
  const button = await screen.findByRole("button");
  button.focus();
  await act(async () => void queries.invalidateQueries());
  await waitFor(() => expect(button.getAttribute("aria-busy")).toBe("true"));
  expect(document.activeElement).toBe(button);
  screen.getByText("Not now.");
  await answer(Promise.reject(new Error("Still not.")));
  await screen.findByText("Still not.");
  expect(document.activeElement).toBe(button);
  expect(button.getAttribute("aria-busy")).toBe("false");
  act(() => button.click());
  await answer(Promise.resolve("There."));
  await screen.findByText("There.");
});

it("does not show the error of one query for another", async () => {
  const { answer, show } = start();
  await answer(Promise.reject(new Error("Not now.")));
  await screen.findByText("Not now.");
  show("second");
  expect(screen.queryByText("Not now.")).toBeNull();
  screen.getByRole("status");
});
