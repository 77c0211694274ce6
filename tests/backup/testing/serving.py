"""The EDMS behind real web servers, and clients that may go away at any moment."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from tests.backup.testing.edms import Edms
from tests.backup.testing.forks import BACKEND
from tests.backup.testing.stored_backup import ROOT
from tests.waiting import timed_out

SERVERS = {
    "uvicorn": ["uvicorn", "config.asgi:application", "--lifespan", "off", "--fd", "{fd}"],
    "gunicorn": ["gunicorn", "config.wsgi:application", "--threads", "3", "--bind", "fd://{fd}", "--no-control-socket"],
}
IMAGE = ["gunicorn", "config.asgi:application", "--worker-class", "config.worker.Worker", *SERVERS["gunicorn"][4:]]
"""As docker/entrypoint starts it."""


@dataclasses.dataclass
class Server:
    """A web server of its own, which listens on a port of this machine."""

    port: int
    token: str
    pid: int

    def ask(
        self,
        address: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        *,
        body: bytes | None = None,
        **query: str,
    ):
        """The connection, and the answer whose body has not been read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        where = f"{ROOT}{address}{f'?{urlencode(query)}' if query else ''}"
        connection.request(method, where, body, headers={"Authorization": f"Token {self.token}", **(headers or {})})
        return connection, connection.getresponse()

    def get(self, address: str, headers: dict[str, str] | None = None, **query: str) -> tuple[int, dict, bytes]:
        """Status, headers and the whole body; raises when there is less of it than was said."""
        connection, answer = self.ask(address, headers=headers, **query)
        with contextlib.closing(connection):
            return answer.status, dict(answer.headers), answer.read()


def token_of(edms: Edms, name: str) -> str:
    """The token of a new administrator."""
    edms.run(
        "createsuperuser", "--noinput", "--username", name, "--email", "", DJANGO_SUPERUSER_PASSWORD=os.urandom(9).hex()
    )
    return edms.run("drf_create_token", name).stdout.split()[2]


@contextlib.contextmanager
def serving(edms: Edms, kind: str, token: str) -> Iterator[Server]:
    """The server runs as long as the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = [word.format(fd=listener.fileno()) for word in {**SERVERS, "image": IMAGE}[kind]]
        environment = {"PATH": os.environ["PATH"], "EDMS_HOME": str(edms.home), "PYTHONPATH": str(BACKEND)}
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            env={**environment, **edms.environment},
            cwd=BACKEND,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
        try:
            # Connections wait in the listener's queue until it is there.
            yield Server(listener.getsockname()[1], token, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait_until(condition, *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < deadline, timed_out(condition, seen, seconds=seconds)
        time.sleep(0.05)
