"""The EDMS served by a process of its own, and listeners to its events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from tests.backup.testing.edms import Edms

EVENTS = "/api/v1/backup/system/events/"
# The project as it is, with a dot in a file for each query.
COUNTED = """
import os
from config.asgi import application
from django.db.backends.signals import connection_created
dots = os.open(os.environ["QUERIES"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
def count(execute, sql, params, many, context):
    os.write(dots, b".")
    return execute(sql, params, many, context)
def watch(connection, **_): connection.execute_wrappers.append(count)
connection_created.connect(watch)
"""
TOKEN = """
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token
user = User.objects.create_user("viewer")
user.user_permissions.add(Permission.objects.get(codename="view_backups"))
print(Token.objects.create(user=user).key)
"""


class Server:
    """A project, served by one process that can be stopped and started again at the same port."""

    def __init__(self, edms: Edms, folder: Path) -> None:
        self.edms, self._folder = edms, folder
        self.queries_file = folder / "queries"
        (folder / "counted.py").write_text(COUNTED)
        self.token = edms.run("shell", "-v0", "-c", TOKEN).stdout.strip()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        environment = self.edms._environment({"QUERIES": str(self.queries_file)})
        words = ["counted:application", "--app-dir", str(self._folder), "--port", str(self.port), "--lifespan", "off"]
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *words, "--log-level", "warning", "--timeout-graceful-shutdown", "1"],
            env=environment,
        )
        try:
            deadline = time.monotonic() + 30
            while True:
                assert process.poll() is None
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                    break
                assert time.monotonic() < deadline, f"Waited 30 seconds for uvicorn to listen on port {self.port}"
                time.sleep(0.05)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)

    def queries(self) -> int:
        return self.queries_file.stat().st_size if self.queries_file.exists() else 0

    async def listen(self, since: str = "") -> AsyncIterator[dict]:
        """The events of one connection, each with its `id`, `event` and `data`; with `id` alone what has no data."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        resumed = f"Last-Event-ID: {since}\r\n" if since else ""
        head = f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {self.token}\r\n{resumed}\r\n"
        writer.write(head.encode())
        try:
            assert (await reader.readline()).split()[1] == b"200"
            await reader.readuntil(b"\r\n\r\n")
            text = b""
            while size := int(await reader.readline(), 16):
                text += (await reader.readexactly(size + 2))[:-2]
                *blocks, text = text.split(b"\n\n")
                for block in blocks:
                    lines = [line.partition(b": ") for line in block.split(b"\n") if not line.startswith(b":")]
                    event = {name.decode(): value.decode() for name, _, value in lines}
                    if "data" in event:
                        event["data"] = json.loads(event["data"])
                    yield event
        finally:
            writer.close()


def memory(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
