import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { expect, it, onTestFinished, vi } from "vitest";

import { jobDetail, page } from "../testing/samples";
import { FakeEventSource, server } from "../testing/setup";
import { ask, Backups } from "./SimpleJwt";

const ROOT = "http://localhost:3000";
const API = `${ROOT}/api/v1/backup`;

/** Return a token as simplejwt signs it, valid for so many seconds. */
function token(name: string, seconds: number): string {
  const claims = { exp: Date.now() / 1_000 + seconds, name };
  return `h.${btoa(JSON.stringify(claims)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}.s`;
}

it("sends a token with every request, event stream and download, and renews it once", async () => {
  const JOB = jobDetail();
  const [old, fresh] = [token("old", 5), token("fresh", 300)];
  const sent: [string, string | null][] = [];
  const note = (request: Request) =>
    sent.push([`${request.method} ${new URL(request.url).pathname}`, request.headers.get("Authorization")]);
  let streams = 0;
  let third: ReadableStreamDefaultController | null = null;
  let shown = 0;
  server.use(
    http.post(`${ROOT}/api/token/`, () => HttpResponse.json({ access: old, refresh: "r1" })),
    http.post(`${ROOT}/api/token/refresh/`, async ({ request }) => {
      expect(await request.json()).toEqual({ refresh: "r1" });
      note(request);
      return HttpResponse.json({ access: fresh, refresh: "r2" });
    }),
    http.get(`${API}/system/events/`, ({ request }) => {
      note(request);
      streams += 1;
      const block = `retry: 10\n\nid: 7-${streams}\nevent: job\ndata: {"type":"job"}\n\n: still here\n\n`;
      expect(request.headers.get("Last-Event-ID")).toBe(streams === 1 ? null : `7-${streams - 1}`);
      const body = new ReadableStream({
        start(controller) {
          // In chunks, as a network delivers them.
          for (const piece of [block.slice(0, 20), block.slice(20)]) {
            controller.enqueue(new TextEncoder().encode(piece));
          }
          if (streams < 3) {
            controller.close();
          } else {
            third = controller;
          }
        },
      });
      return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
    http.get(`${API}/system/rights/`, ({ request }) => {
      note(request);
      return HttpResponse.json({ user: "grace", rights: ["view_backups", "download_backups"] });
    }),
    http.get(`${API}/jobs/${JOB.uuid}/`, ({ request }) => {
      note(request);
      shown += 1;
      return HttpResponse.json(JOB);
    }),
    http.get(`${API}/operations/`, ({ request }) => {
      note(request);
      return HttpResponse.json(page());
    }),
    http.post(`${API}/jobs/${JOB.uuid}/download/`, async ({ request }) => {
      note(request);
      expect(await request.json()).toEqual({ path: "" });
      return HttpResponse.json({ ticket: "a+b", expires_at: "2026-11-24T12:01:00Z" }, { status: 201 });
    }),
  );
  const clicked = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    sent.push([`saved ${this.getAttribute("href")}`, String(this.hasAttribute("download"))]);
  });
  onTestFinished(() => clicked.mockRestore());

  window.history.pushState(null, "", `/backups/history/${JOB.uuid}`);
  onTestFinished(() => window.history.pushState(null, "", "/"));
  const signedOut = () => void sent.push(["signed out", null]);
  render(<Backups tokens={await ask("", {})} onSignedOut={signedOut} basePath="/backups" apiUrl={API} />);
  await userEvent.click(await screen.findByRole("button", { name: "Download" }));
  const saved = `saved ${ROOT}/api/v1/backup/jobs/${JOB.uuid}/download/?path=&ticket=a%2Bb`;
  await waitFor(() => expect(sent).toContainEqual([saved, "true"]));
  // An event triggers a refetch.
  await waitFor(() => expect(streams).toBe(3));
  // eslint-disable-next-line @typescript-eslint/no-non-null-assertion -- the third stream was opened above
  third!.enqueue(new TextEncoder().encode('event: job\ndata: {"type":"job"}\n\n'));
  await waitFor(() => expect(shown).toBeGreaterThan(1));
  const asked = sent.filter(([what]) => !what.startsWith("saved") && !what.startsWith("POST /api/token"));
  expect(asked.length).toBeGreaterThan(6);
  expect([...new Set(asked.map(([, given]) => given))]).toEqual([`Bearer ${fresh}`]);
  expect(sent.filter(([what]) => what.startsWith("POST /api/token"))).toHaveLength(1);
  expect(FakeEventSource.all).toEqual([]);
});
