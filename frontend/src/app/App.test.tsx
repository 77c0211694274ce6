import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { http, HttpResponse, type HttpHandler } from "msw";
import { beforeEach, describe, expect, it } from "vitest";

import { type EdmsSchemas, SIGNED_OUT, type Session } from "../api/documents";
import { configuration, job, page, problem, restore, status } from "../testing/samples";
import { server } from "../testing/setup";
import { App } from "./App";

const API = "http://localhost:3000/api/v1";
const CLERK: Session = {
  user: { name: "anna", full_name: "Anna Berg", is_staff: false },
  permissions: ["documents.view_document", "documents.add_document", "documents.change_document"],
};
const KEEPER: Session = {
  user: { name: "kim", full_name: "", is_staff: true },
  permissions: ["documents.view_document", "documents.delete_document", "backup.view_backups"],
};
const DOCUMENT: EdmsSchemas["DocumentDetail"] = {
  id: "8b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0009",
  number: "DOC-000007",
  title: "Contract",
  category: "General",
  state: "DRAFT",
  owner: "anna",
  size: 2_000_000,
  version_count: 1,
  created_at: "2026-11-24T09:00:00Z",
  updated_at: "2026-11-24T09:00:00Z",
  versions: [
    {
      id: "8b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0010",
      number: 1,
      source_name: "contract.pdf",
      size: 2_000_000,
      sha256: "ab".repeat(32),
      created_at: "2026-11-24T09:00:00Z",
    },
  ],
};
const REFUSED = HttpResponse.json.bind(null, problem(401, "Nobody is authenticated."), { status: 401 });
let session: Session;

/** Renders the EDMS at an address, with the given answers of the server. */
function show(address: string, ...handlers: HttpHandler[]) {
  window.history.replaceState(null, "", address);
  server.use(
    ...handlers,
    http.get(`${API}/session/`, () => HttpResponse.json(session)),
    http.get(`${API}/documents/`, () =>
      HttpResponse.json({ count: 1, next: null, previous: null, results: [DOCUMENT] }),
    ),
    http.get(`${API}/documents/${DOCUMENT.id}/`, () => HttpResponse.json(DOCUMENT)),
    http.get(`${API}/backup/system/status/`, () => HttpResponse.json(status())),
    http.get(`${API}/backup/operations/`, () => HttpResponse.json(page())),
  );
  const user = userEvent.setup();
  return { user, ...render(<App basePath="/" apiUrl={API} adminUrl="/django-admin/" />) };
}

async function violations(container: Element): Promise<string[]> {
  // jsdom has no colours.
  const found = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  return found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`);
}

beforeEach(() => {
  session = CLERK;
});

describe("signing in", () => {
  it("reports the error, and leads to the requested page", async () => {
    session = SIGNED_OUT;
    const tried: unknown[] = [];
    const { user, container } = show(
      "/documents?q=contract",
      http.post(`${API}/session/`, async ({ request }) => {
        tried.push(await request.json());
        return tried.length === 1
          ? HttpResponse.json(problem(400, "There is no account with this name and password."), { status: 400 })
          : HttpResponse.json((session = CLERK));
      }),
    );
    await screen.findByText("Sign in to continue.");
    expect(await violations(container)).toEqual([]);
    await user.type(screen.getByLabelText(/User name/), "anna");
    await user.type(screen.getByLabelText(/^Password/), "secret{Enter}");
    expect((await screen.findByRole("alert")).textContent).toBe("There is no account with this name and password.");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    await screen.findByRole("heading", { level: 1, name: "Documents" });
    expect(window.location.search).toBe("?q=contract");
    expect(tried[1]).toEqual({ name: "anna", password: "secret" });
  });

  it.each(["//evil.example/", "https://evil.example/", "/login?next=/login"])(
    "does not redirect to %s",
    async (next) => {
      show(`/login?${new URLSearchParams({ next })}`);
      await screen.findByRole("heading", { level: 1, name: "Dashboard" });
      expect(window.location.pathname).toBe("/");
    },
  );

  it("is required again as soon as the session has ended", async () => {
    show(
      "/documents",
      http.get(`${API}/documents/`, () => REFUSED()),
    );
    await screen.findByRole("heading", { level: 1, name: "Sign in" });
    expect(new URLSearchParams(window.location.search).get("next")).toBe("/documents");
  });

  it("keeps the page of a restore that has swapped the sessions", async () => {
    session = KEEPER;
    const running = restore({ status: "RUNNING", phases: [], rollback_state: "NONE" });
    let asked = 0;
    const edms = `/admin/backup/restores/${running.uuid}`;
    const { unmount } = show(
      edms,
      http.get(`${API}/backup/restores/${running.uuid}/`, () => {
        asked += 1;
        return asked === 1 ? HttpResponse.json(running) : REFUSED();
      }),
    );
    expect(await screen.findByText(/You are signed out, because the swap replaced the sessions/)).toBeTruthy();
    expect(screen.getByRole("button", { name: "Sign in" })).toBeTruthy();
    expect(window.location.pathname).toBe(edms);
    unmount();
    session = SIGNED_OUT;
    show(edms);
    await screen.findByText(/Sign in to see the result of the restore/);
  });
});

describe("the layout", () => {
  it("shows only what the user may use", async () => {
    session = { ...CLERK, permissions: [] };
    const { container } = show("/admin");
    await screen.findByText("You have no permission to view backups. Ask an administrator for it.");
    expect(screen.queryByRole("link", { name: "Open Django administration" })).toBeNull();
    const ways = within(screen.getByRole("navigation", { name: "Main" })).getAllByRole("link", { hidden: true });
    expect(ways.map((one) => one.textContent)).toEqual(["Dashboard"]);
    expect(await violations(container)).toEqual([]);
  });

  it("shows the protection status to an administrator, with a link to the backups", async () => {
    session = KEEPER;
    const { user, container } = show("/");
    await screen.findByText("Welcome, kim.");
    await screen.findByText(status().protection.reason);
    await screen.findByRole("link", { name: "Contract" });
    expect(await violations(container)).toEqual([]);
    await user.click(screen.getByRole("link", { name: "Administration", hidden: true }));
    const django = await screen.findByRole("link", { name: "Open Django administration" });
    expect(django.getAttribute("href")).toBe("/django-admin/");
    expect(screen.getByRole("link", { name: "Open backup management" }).getAttribute("href")).toBe("/admin/backup");
  });

  it("reports an unknown address", async () => {
    const { container } = show("/nowhere");
    await screen.findByRole("heading", { level: 1, name: "Page not found" });
    expect(await violations(container)).toEqual([]);
  });
});

describe("documents", () => {
  it("can be searched, and the search can be cleared", async () => {
    const asked: string[] = [];
    const { user, container } = show(
      "/documents",
      http.get(`${API}/documents/`, ({ request }) => {
        const text = new URL(request.url).searchParams.get("q") ?? "";
        asked.push(text);
        const results = text ? [] : [DOCUMENT];
        return HttpResponse.json({ count: results.length, next: null, previous: null, results });
      }),
    );
    await screen.findByText("1 document");
    expect(await violations(container)).toEqual([]);
    await user.type(screen.getByLabelText("Search documents"), "xyz");
    await screen.findByText("No results for “xyz”");
    expect(asked).toEqual(["", "xyz"]);
    await user.click(screen.getByRole("button", { name: "Clear search" }));
    await screen.findByRole("link", { name: "Contract" });
    expect(screen.getByLabelText<HTMLInputElement>("Search documents").value).toBe("");
  });

  it("show why loading failed, and retry", async () => {
    let broken = true;
    const { user } = show(
      "/documents",
      http.get(`${API}/documents/`, () =>
        broken
          ? HttpResponse.json(problem(500, "The database is away."), { status: 500 })
          : HttpResponse.json({ count: 0, next: null, previous: null, results: [] }),
      ),
    );
    await screen.findByText("The database is away.");
    broken = false;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByText("No documents yet");
  });

  it("are uploaded with the errors of each field", async () => {
    const forms: FormData[] = [];
    const { user } = show(
      "/documents",
      http.post(`${API}/documents/`, async ({ request }) => {
        forms.push(await request.formData());
        const said = [{ field: "title", message: "That is too long.", code: "max_length" }];
        return forms.length === 1
          ? HttpResponse.json(problem(400, "The request is not valid.", said), { status: 400 })
          : HttpResponse.json(DOCUMENT, { status: 201 });
      }),
    );
    await user.click(await screen.findByRole("button", { name: "Upload document" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Upload" }));
    await within(dialog).findByText("Choose a file.");
    expect(forms).toEqual([]);
    await user.upload(
      dialog.parentElement?.querySelector("input[type=file]") as HTMLInputElement,
      new File(["x"], "contract.pdf"),
    );
    await user.type(within(dialog).getByLabelText("Title"), "A title");
    await user.click(within(dialog).getByRole("button", { name: "Upload" }));
    await within(dialog).findByText("That is too long.");
    await user.click(within(dialog).getByRole("button", { name: "Upload" }));
    await screen.findByRole("heading", { level: 1, name: "Contract" });
    expect([forms[1]?.get("title"), forms[1]?.get("category")]).toEqual(["A title", "General"]);
    expect(forms[1]?.has("file")).toBe(true);
  });

  it("show the progress of an upload, which can be cancelled", async () => {
    // An answer that begins and does not end.
    const { user } = show(
      "/documents",
      http.post(`${API}/documents/`, () => new HttpResponse(new ReadableStream())),
    );
    await user.click(await screen.findByRole("button", { name: "Upload document" }));
    const dialog = await screen.findByRole("dialog");
    await user.upload(
      dialog.parentElement?.querySelector("input[type=file]") as HTMLInputElement,
      new File(["x".repeat(300_000)], "contract.pdf"),
    );
    await user.click(within(dialog).getByRole("button", { name: "Upload" }));
    await within(dialog).findByRole("progressbar", { name: "contract.pdf" });
    await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(window.location.pathname).toBe("/documents");
    await user.click(screen.getByRole("button", { name: "Upload document" }));
    expect(within(await screen.findByRole("dialog")).queryByRole("progressbar")).toBeNull();
  });

  it("are shown with their versions and the permitted actions", async () => {
    const { container } = show(`/documents/${DOCUMENT.id}`);
    await screen.findByRole("heading", { level: 1, name: "Contract" });
    const download = screen.getByRole("link", { name: "Download version 1" });
    expect(download.getAttribute("href")).toBe(`${API}/documents/versions/${DOCUMENT.versions[0]?.id}/content/`);
    expect(screen.getByRole("button", { name: "Add version" })).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
    expect(await violations(container)).toEqual([]);
  });

  it("are deleted after confirmation, and the list says so", async () => {
    session = KEEPER;
    let gone = false;
    const { user } = show(
      `/documents/${DOCUMENT.id}`,
      http.delete(`${API}/documents/${DOCUMENT.id}/`, () => {
        gone = true;
        return new HttpResponse(null, { status: 204 });
      }),
      http.get(`${API}/documents/`, () => HttpResponse.json({ count: 0, next: null, previous: null, results: [] })),
    );
    await user.click(await screen.findByRole("button", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog");
    await waitFor(() => expect(document.activeElement?.textContent).toBe("Cancel"));
    await user.click(within(dialog).getByRole("button", { name: "Delete" }));
    await screen.findByText("DOC-000007 deleted, with all its versions.");
    expect(gone).toBe(true);
  });

  it("report a deleted document", async () => {
    show(
      `/documents/${DOCUMENT.id}`,
      http.get(`${API}/documents/${DOCUMENT.id}/`, () =>
        HttpResponse.json(problem(404, "The document is not there any more."), { status: 404 }),
      ),
    );
    await screen.findByText("The document is not there any more.");
  });
});

describe("the palette", () => {
  it("opens by its key, and jumps to documents, configurations and jobs by keyboard alone", async () => {
    session = { ...KEEPER };
    const { user, container } = show(
      "/",
      http.get(`${API}/backup/configurations/`, ({ request }) =>
        HttpResponse.json(page(configuration({ name: `${new URL(request.url).searchParams.get("search")} nightly` }))),
      ),
      http.get(`${API}/backup/jobs/`, () => HttpResponse.json(page(job()))),
    );
    await screen.findByRole("heading", { level: 1, name: "Dashboard" });
    await user.keyboard("{Control>}k{/Control}");
    const field = await screen.findByRole("combobox", { name: "Search and jump" });
    await waitFor(() => expect(document.activeElement).toBe(field));
    expect(await screen.findByRole("option", { name: /^Failed jobs/ })).toBeTruthy();
    await user.keyboard("contract");
    const found = await screen.findByRole("option", { name: /^contract nightly/ });
    expect(screen.getAllByRole("option").map((one) => one.textContent)).toEqual([
      "DOC-000007 ContractDocument",
      "contract nightlyConfiguration",
      `${job().job_name}Job`,
    ]);
    expect(await violations(container)).toEqual([]);
    await user.keyboard("{ArrowDown}");
    expect(field.getAttribute("aria-activedescendant")).toBe(found.id);
    await user.keyboard("{ArrowUp}{Enter}");
    await screen.findByRole("heading", { level: 1, name: /Contract/ });
    await waitFor(() => expect(screen.queryByRole("combobox", { name: "Search and jump" })).toBeNull());
  });
});

describe("the display", () => {
  it("changes its language at once, and keeps it", async () => {
    const asked: (string | null)[] = [];
    const documents = http.get(`${API}/documents/`, ({ request }) => {
      asked.push(request.headers.get("Accept-Language"));
      return HttpResponse.json({ count: 0, next: null, previous: null, results: [] });
    });
    const { user, unmount } = show("/", documents);
    await user.click(await screen.findByRole("button", { name: "Account of Anna Berg" }));
    await user.click(await screen.findByRole("menuitem", { name: "Display…" }));
    await user.selectOptions(await screen.findByRole("combobox", { name: "Language" }), "Deutsch");
    await screen.findByRole("heading", { level: 1, name: "Startseite" });
    expect(document.documentElement.lang).toBe("de");
    await waitFor(() => expect(document.activeElement?.getAttribute("aria-label")).toBe("Konto von Anna Berg"));
    unmount();
    show("/", documents);
    await screen.findByText("Noch keine Dokumente.");
    expect([asked[0], asked.at(-1)]).toEqual(["en", "de"]);
  });
});
