"""`make serve`: one process with pages, styles and events, an agent beside it, and both end when they are told to."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from django.http import HttpRequest, StreamingHttpResponse

from config.streaming import StreamingHandler

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def served(tmp_path):
    """A fresh EDMS; its port and process group, and what it says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH",)}
    said = tmp_path / "said"
    with said.open("w") as log:
        process = subprocess.Popen(
            [ROOT / "tools/serve", f"127.0.0.1:{port}"],
            env={**kept, "EDMS_HOME": str(tmp_path / "home")},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while "Uvicorn running" not in said.read_text() or "The agent runs" not in said.read_text():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        yield port, process, said
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(tmp_path / "home")


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".venv/bin/uvicorn").exists(), reason="make setup has not been run here")
def test_it_serves_and_ends(served):
    port, process, said = served
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/admin/login/")
    answer = connection.getresponse()
    assert (answer.status, b"/static/admin/css/base.css" in answer.read()) == (200, True)
    connection.request("GET", "/static/admin/css/base.css")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (200, "text/css")
    assert int(answer.getheader("Content-Length")) == len(answer.read())
    connection.request("GET", "/nothing/")
    answer = connection.getresponse()
    assert (answer.status, b"DEBUG" in answer.read()) == (404, False)
    connection.close()
    text = said.read_text()
    assert "The backups' passphrase lies in" in text
    assert "production_daily_full" in text
    began = time.monotonic()
    # As Ctrl-C on a terminal does it.
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(15) == 0
    assert time.monotonic() - began < 8
    assert "The agent has stopped." in said.read_text()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


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
