"""An EDMS with its web server and its agent, as a client that restores over HTTP meets it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

from tests.backup.testing.edms import Edms, kill
from tests.backup.testing.serving import Server, serving, token_of
from tests.backup.testing.stored_backup import ROOT

from demo.private_postgres import RunningServer

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "REJECTED"}


def ask_restore(client, backup, **values):
    """Request a restore of a backup by its name, as a client with rights."""
    return client.post(f"{ROOT}restores/", {"backup": str(backup.uuid), "confirm": backup.job_name, **values}, "json")


@dataclasses.dataclass
class System:
    """A running EDMS. `agent` is None while there is none."""

    edms: Edms
    server: Server
    agent: subprocess.Popen[str] | None = None
    postgres: RunningServer | None = None

    def ask(
        self, method: str, address: str, values: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict]:
        body = None if values is None else json.dumps(values).encode()
        headers = {**({} if body is None else {"Content-Type": "application/json"}), **(headers or {})}
        connection, answer = self.server.ask(address, method, headers, body=body)
        with contextlib.closing(connection):
            said = answer.read()
            return answer.status, json.loads(said) if said else {}

    def post(self, address: str, values: object, *, expect: int, headers: dict[str, str] | None = None) -> dict:
        status, said = self.ask("POST", address, values, headers)
        assert status == expect, said
        return said

    def get(self, address: str, *, until: set[str] | None = None, seconds: float = 60) -> dict:
        """Return the answer once its status is one of these; during the swap of the database it may be 503."""
        deadline = time.monotonic() + seconds
        while True:
            status, said = self.ask("GET", address)
            if status == 200 and (until is None or said["status"] in until):
                return said
            assert status in {200, 503}, said
            assert time.monotonic() < deadline, f"Waited {seconds:g} s for {address} to be {until}; seen last: {said}"
            time.sleep(0.1)

    def operation(self, values: dict, *, until: set[str] = ENDED) -> dict:
        return self.get(f"operations/{values['uuid']}/", until=until)

    def restore(self, backup: dict, *, until: set[str] = ENDED, **choices: object) -> tuple[dict, dict]:
        """Ask for one and wait for its operation; the restore and the operation."""
        values = {"backup": backup["job"], "confirm": self.name(backup), **choices}
        made = self.post("restores/", values, expect=201)
        operation = self.operation(made["operation"], until=until)
        return self.get(f"restores/{made['restore']['uuid']}/"), operation

    def name(self, backup: dict) -> str:
        return self.get(f"jobs/{backup['job']}/")["job_name"]

    def files(self) -> dict[str, str]:
        media = self.edms.media
        found = (path for path in media.rglob("*") if path.is_file())
        return {str(path.relative_to(media)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def users(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT username FROM auth_user ORDER BY username")]

    def rows(self, query: str) -> list[tuple]:
        if self.postgres is None:
            return self.edms.rows(query)
        with self.postgres.connect("edms") as connection:
            return connection.execute(query).fetchall()

    def add_user(self, name: str) -> None:
        code = f"from django.contrib.auth.models import User; User.objects.create(username={name!r})"
        self.edms.run("shell", "-c", code)

    def start_agent(self) -> None:
        self.agent = self.edms.start("backup_agent")

    @contextlib.contextmanager
    def held(self) -> Iterator[int]:
        """The next operation's process, stopped as soon as it has begun, for the block."""
        deadline = time.monotonic() + 30
        while not (found := self.edms.rows("SELECT worker_pid FROM backup_operation WHERE status = 'RUNNING'")):
            assert time.monotonic() < deadline, (
                "Waited 30 seconds for a running operation; seen last: "
                f"{self.edms.rows('SELECT kind, status, error_message FROM backup_operation')}"
            )
            time.sleep(0.005)
        ((pid,),) = found
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def running(edms: Edms, postgres: RunningServer | None = None) -> Iterator[System]:
    """The server and the agent run as long as the block."""
    token = token_of(edms, "admin")
    with serving(edms, "gunicorn", token) as server:
        system = System(edms, server, postgres=postgres)
        system.start_agent()
        try:
            yield system
        finally:
            if system.agent is not None:
                kill(system.agent)
