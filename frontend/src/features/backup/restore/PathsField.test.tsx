import { screen, waitFor } from "@testing-library/react";
import { http, HttpResponse, type HttpHandler } from "msw";
import { expect, it } from "vitest";

import { API, renderConsole } from "../../../testing/render";
import { job, operation, page } from "../../../testing/samples";
import { server } from "../../../testing/setup";

const JOB = job();
const OPERATION = operation({ kind: "PLAN", status: "COMPLETED", completed_at: "2026-11-24T12:00:02Z" });

function serve(...handlers: HttpHandler[]) {
  server.use(
    ...handlers,
    http.get(`${API}/jobs/${JOB.uuid}/`, () => HttpResponse.json(JOB)),
    http.get(`${API}/jobs/${JOB.uuid}/files/`, () =>
      HttpResponse.json({ entry: null, results: [], next_after: null, cut_off: null }),
    ),
    http.get(`${API}/jobs/${JOB.uuid}/documents/`, () =>
      HttpResponse.json({ available: true, results: [], cut_off: null }),
    ),
    http.get(`${API}/jobs/${JOB.uuid}/tables/`, () => HttpResponse.json({ results: [] })),
    http.get(`${API}/operations/`, () => HttpResponse.json(page())),
    http.get(`${API}/operations/${OPERATION.uuid}/`, () => HttpResponse.json({ ...OPERATION, status: "RUNNING" })),
  );
}

it("restores selected files into a folder, and never to the live system", async () => {
  const asked: unknown[] = [];
  serve(
    http.post(`${API}/restores/plan/`, async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json({ ...OPERATION, status: "PENDING" }, { status: 202 });
    }),
  );
  const { user } = renderConsole(`/restore?backup=${JOB.uuid}&only=paths&path=files%2Fmedia%2Fa+b.pdf`);
  const paths = await screen.findByRole("textbox", { name: "Files and folders" });
  expect(screen.getByRole("radio", { name: "Live system" })).toHaveProperty("disabled", true);
  expect(screen.getByRole("radio", { name: "New folder" })).toHaveProperty("checked", true);
  await user.type(screen.getByRole("textbox", { name: /Folder name/ }), "looked");
  await user.clear(paths);
  await user.click(screen.getByRole("button", { name: "Create plan" }));
  await screen.findByText("Enter at least one.");
  await user.type(paths, "files/media/a b.pdf{Enter}files/media/c");
  await user.click(screen.getByRole("button", { name: "Create plan" }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]).toEqual({
    ...{ backup: JOB.uuid, only: "", tables: [], leave_out: [], safety_backup: true, drop_access: null },
    target: "folder",
    name: "looked",
    paths: ["files/media/a b.pdf", "files/media/c"],
  });
});

it("finds a file by the title of its document", async () => {
  const found = [
    {
      ...{ title: "SOP-0017 · Cleaning · 3", date: "2026-11-02", field: "documents.DocumentVersion.file" },
      path: "files/media/documents/4f/clean.pdf",
    },
  ];
  const searches: string[] = [];
  serve(
    http.get(`${API}/jobs/${JOB.uuid}/documents/`, ({ request }) => {
      const search = new URL(request.url).searchParams.get("search") ?? "";
      searches.push(search);
      return HttpResponse.json({ available: true, results: found, cut_off: search === "sop" ? "limit" : null });
    }),
  );
  const { user } = renderConsole(`/restore?backup=${JOB.uuid}&only=paths`);
  await user.type(await screen.findByRole("searchbox", { name: /Find documents/ }), "sop");
  await screen.findByText(/1 file found. There are more/);
  await user.click(screen.getByRole("checkbox", { name: "SOP-0017 · Cleaning · 3" }));
  expect(screen.getByText(/Nov 2, 2026 · files\/media/)).toBeTruthy();
  expect(screen.getByRole("textbox", { name: "Files and folders" })).toHaveProperty(
    "value",
    "files/media/documents/4f/clean.pdf",
  );
  expect(searches).toEqual(["", "sop"]);
});

it("says where a backup has no titles of documents", async () => {
  serve(
    http.get(`${API}/jobs/${JOB.uuid}/documents/`, () =>
      HttpResponse.json({ available: false, results: [], cut_off: null }),
    ),
  );
  renderConsole(`/restore?backup=${JOB.uuid}&only=paths`);
  await screen.findByText(/has no titles of documents/);
  expect(screen.queryByRole("searchbox")).toBeNull();
});

it("chooses files in a tree, where a folder stands for all below it", async () => {
  const entry = (path: string, kind: "file" | "folder", withheld = false) => ({
    ...{ path, kind, withheld, name: path.split("/").at(-1) ?? "", size: kind === "file" ? 1000 : null },
    ...{ mode: "0644", modified_at: null, target: null, in_package: true },
  });
  const folders: Record<string, unknown[]> = {
    "": [entry("files", "folder"), entry("project", "folder", true)],
    files: [entry("files/a", "folder"), entry("files/b.pdf", "file")],
    "files/a": [entry("files/a/1.pdf", "file"), entry("files/a/2.pdf", "file")],
  };
  serve(
    http.get(`${API}/jobs/${JOB.uuid}/files/`, ({ request }) => {
      const path = new URL(request.url).searchParams.get("path") ?? "";
      return HttpResponse.json({ entry: null, results: folders[path], next_after: null, cut_off: null });
    }),
  );
  const { user } = renderConsole(`/restore?backup=${JOB.uuid}&only=paths`);
  const box = (name: string) => screen.findByRole("checkbox", { name });
  expect(await box("project/")).toHaveProperty("disabled", true);
  await user.click(screen.getByRole("button", { name: "Contents of files" }));
  await user.click(await screen.findByRole("button", { name: "Contents of a" }));
  await user.click(await box("1.pdf"));
  expect(await box("a/")).toMatchObject({ checked: false, indeterminate: true });
  const typed = screen.getByRole("textbox", { name: "Files and folders" });
  expect(typed).toHaveProperty("value", "files/a/1.pdf");
  await user.click(await box("b.pdf"));
  await user.click(await box("a/"));
  expect(typed).toHaveProperty("value", "files/b.pdf\nfiles/a");
  expect(await box("2.pdf")).toMatchObject({ checked: true, disabled: true });
  expect(screen.getByText("2 files and folders selected")).toBeTruthy();
  await user.clear(typed);
  expect(await box("a/")).toHaveProperty("checked", false);
});
