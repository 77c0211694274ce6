/** A separate EDMS in a temporary folder. tools/serve starts it as `make serve` does, with an agent beside it. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
export const ADMINISTRATOR = { name: "administrator", password: "correct horse battery staple" };
const READY = [/Uvicorn running/, /The agent runs/];

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
  const address = probe.address();
  await new Promise((done) => probe.close(done));
  if (address === null || typeof address === "string") {
    throw new Error("No port was given.");
  }
  return address.port;
}

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

export class Edms {
  private process: ChildProcess | null = null;
  private said = "";

  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly settings: string,
  ) {}

  /** Creates and starts an EDMS with an administrator, with its own settings or the named ones from `hosts/`. */
  static async make(settings = "config.settings"): Promise<Edms> {
    const edms = new Edms(mkdtempSync(join(tmpdir(), "edms-e2e-")), await freePort(), settings);
    await edms.start();
    edms.addAdministrator(ADMINISTRATOR.name);
    return edms;
  }

  /** Creates another administrator, with the password of the first. */
  addAdministrator(name: string): void {
    this.manage("createsuperuser", "--noinput", "--username", name, "--email", "nobody@example.com");
  }

  get home(): string {
    return join(this.folder, "home");
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}/app${path}`;
  }

  /** Runs a command of manage.py and returns its output. */
  manage(...words: string[]): string {
    const python = join(ROOT, ".venv/bin/python");
    return execFileSync(python, [join(ROOT, "backend/manage.py"), ...words], {
      env: { ...this.environment(), DJANGO_SUPERUSER_PASSWORD: ADMINISTRATOR.password },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  /** Starts the server and the agent, and waits until both report that they run. */
  async start(): Promise<void> {
    this.said = "";
    const started = spawn(join(ROOT, "tools/serve"), [`127.0.0.1:${this.port}`], {
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.process = started;
    await new Promise<void>((done, fail) => {
      const listen = (piece: Buffer) => {
        this.said += piece.toString();
        if (READY.every((sign) => sign.test(this.said))) {
          done();
        }
      };
      started.stdout.on("data", listen);
      started.stderr.on("data", listen);
      started.on("exit", () => fail(new Error(`tools/serve has ended: ${this.said}`)));
    });
  }

  /** Stops both as Ctrl-C in a terminal does. */
  async stop(): Promise<void> {
    const { process: running } = this;
    if (running?.pid === undefined || running.exitCode !== null) {
      return;
    }
    const ended = new Promise((done) => running.on("exit", done));
    process.kill(-running.pid, "SIGINT");
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  private environment(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      EDMS_HOME: this.home,
      DJANGO_SETTINGS_MODULE: this.settings,
      PYTHONPATH: join(import.meta.dirname, "hosts"),
      BACKUP_PASSWORD: "a passphrase of the story",
      EDMS_SERVE_ADMINISTRATOR: "none",
    };
  }
}
