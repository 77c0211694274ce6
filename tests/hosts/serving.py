"""Real web servers for a host project, and a browser's view of it: cookies, forms and redirects, no JavaScript."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_SECONDS = 90.0


class Ended(Exception):
    """A process that should go on has ended, or did not get ready in time; the text has what it said."""


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], environment: Mapping[str, str], *, folder: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process beside the test, asked to end at the end, with all of its children. Raises `Ended` where it did not."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield process
        if process.poll() is not None:
            raise Ended(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something listens. Raises `Ended`."""
    deadline = time.monotonic() + _SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise Ended(f"Nothing listens on port {port}:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)


class Answer:
    """The response: `status`, `text`, and the address after all redirects."""

    def __init__(self, status: int, body: bytes, address: str, headers: Mapping[str, str]) -> None:
        self.status = status
        self.text = body.decode(errors="replace")
        self.address = address
        self.headers = headers

    def json(self) -> dict:
        return json.loads(self.text)

    def __repr__(self) -> str:
        return f"{self.status} of {self.address}: {self.text[:600]}"


class Browser:
    """Keeps cookies, follows redirects, and sends a token once it has one."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._cookies)
        )
        self.token = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask(path, None, headers)

    def post(self, path: str, data: Mapping[str, object] | None = None) -> Answer:
        """JSON, with the CSRF token of the cookie."""
        headers = {"Content-Type": "application/json", "X-CSRFToken": self._csrf(), "Referer": self._base}
        return self._ask(path, json.dumps(data or {}).encode(), headers)

    def sign_in(self, page: Answer, name: str, password: str) -> Answer:
        """Fill in the form of a page."""
        field = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert field, f"no form to sign in: {page}"
        form = {"username": name, "password": password, "csrfmiddlewaretoken": field[1]}
        return self._ask(page.address, urllib.parse.urlencode(form).encode(), {"Referer": self._base})

    def first_bytes(self, path: str, **headers: str) -> bytes:
        """The first piece of an answer that may not end; empty where nothing comes within seconds."""
        request = urllib.request.Request(self._base + path, headers=self._with_token(headers))
        with self._opener.open(request, timeout=10) as answer, contextlib.suppress(TimeoutError):
            return answer.read1(4096)
        return b""

    def _csrf(self) -> str:
        return next((cookie.value or "" for cookie in self._cookies if cookie.name == "csrftoken"), "")

    def _with_token(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}

    def _ask(self, path: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        address = urllib.parse.urljoin(self._base, path)
        request = urllib.request.Request(address, data=data, headers=self._with_token(headers))
        try:
            with self._opener.open(request, timeout=60) as answer:
                return Answer(answer.status, answer.read(), answer.url, dict(answer.headers))
        except urllib.error.HTTPError as answer:
            with answer:
                return Answer(answer.code, answer.read(), answer.url, dict(answer.headers))
