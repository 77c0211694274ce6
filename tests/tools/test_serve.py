"""`make serve` shows its steps, creates an administrator, and runs a server and an agent that end together."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

import pytest
from django.http import HttpRequest, StreamingHttpResponse

from config.streaming import StreamingHandler

ROOT = Path(__file__).resolve().parents[2]


NAME, PASSWORD = "ada", "correct horse battery staple"
# The prompts in their order, with the answers: the first password is too short.
ANSWERS = [
    ("User name [administrator]: ", NAME),
    ("Password [empty: generate one]: ", "short"),
    ("Password [empty: generate one]: ", PASSWORD),
    ("Password again: ", PASSWORD),
]


class Served:
    """A fresh EDMS with its port and its process group, on a terminal of its own."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], keyboard: int) -> None:
        self.port = port
        self.process = process
        self.keyboard = keyboard
        self._output = b""

    def text(self) -> str:
        """Return everything that the terminal has shown so far."""
        # At the end of the last process, a terminal answers with an error.
        with contextlib.suppress(BlockingIOError, OSError):
            while piece := os.read(self.keyboard, 65536):
                self._output += piece
        return self._output.decode().replace("\r\n", "\n")

    def wait_for(self, text: str, start: int = 0) -> int:
        """Wait until the terminal shows this text after `start`; return the place of its end."""
        deadline = time.monotonic() + 60
        while (place := self.text().find(text, start)) < 0:
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)
        return place + len(text)


@pytest.fixture
def served(tmp_path):
    """An EDMS that `tools/serve` has started on a terminal, with an administrator typed there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keyboard, terminal = pty.openpty()
    os.set_blocking(keyboard, False)
    process = subprocess.Popen(
        [ROOT / "tools/serve", f"127.0.0.1:{port}"],
        env={"PATH": os.environ["PATH"], "EDMS_HOME": str(tmp_path / "home")},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        served = Served(port, process, keyboard)
        place = 0
        for prompt, answer in ANSWERS:
            place = served.wait_for(prompt, place)
            # getpass drops what was typed before it hides the letters.
            time.sleep(0.3)
            os.write(keyboard, f"{answer}\n".encode())
        served.wait_for("Ready after")
        served.wait_for("The agent runs")
        yield served
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(keyboard)
        shutil.rmtree(tmp_path / "home")


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".venv/bin/uvicorn").exists(), reason="make setup has not been run here")
def test_it_serves_and_ends(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", "/admin/login/")
    answer = connection.getresponse()
    page = answer.read().decode()
    assert (answer.status, "/static/admin/css/base.css" in page) == (200, True)
    form = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": _csrf_token(page), "next": "/admin/"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": answer.getheader("Set-Cookie")}
    connection.request("POST", "/admin/login/", urllib.parse.urlencode(form), headers)
    answer = connection.getresponse()
    answer.read()
    assert (answer.status, answer.getheader("Location")) == (302, "/admin/")
    connection.request("GET", "/static/admin/css/base.css")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (200, "text/css")
    assert int(answer.getheader("Content-Length")) == len(answer.read())
    connection.request("GET", "/nothing/")
    answer = connection.getresponse()
    assert (answer.status, b"DEBUG" in answer.read()) == (404, False)
    connection.close()
    text = served.text()
    assert "The passphrase of the backups is in" in text
    assert re.search(r"^Prepare the database \.* \d+ s$", text, re.MULTILINE)
    assert "production_daily_full" in text
    assert "This password is too short" in text
    assert PASSWORD not in text
    began = time.monotonic()
    # As Ctrl-C on a terminal does it.
    os.killpg(served.process.pid, signal.SIGINT)
    assert served.process.wait(15) == 0
    assert time.monotonic() - began < 8
    assert "The agent has stopped." in served.text()
    with pytest.raises(ProcessLookupError):
        os.killpg(served.process.pid, 0)


def _csrf_token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return found[1]


def test_a_step_shows_its_time_and_the_output_of_a_failure():
    script = 'source tools/steps; step "Good" echo quiet; step "Bad" sh -c "echo reason; exit 3"'
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "reason\n")
    assert re.fullmatch(r"Good \.* \d+ s\nBad \.* failed after \d+ s\n", done.stdout)


def test_a_streamed_answer_goes_out_as_it_is_read():
    read = []

    def pieces():
        for number in range(3):
            read.append(number)
            yield str(number).encode()

    class Handler(StreamingHandler):
        async def get_response_async(self, request):
            return StreamingHttpResponse(pieces())

    async def story() -> list[tuple[bytes, int]]:
        response = await Handler().run_get_response(HttpRequest())
        return [(piece, len(read)) async for piece in response]

    assert asyncio.run(story()) == [(b"0", 1), (b"1", 2), (b"2", 3)]
