"""Uploads to real servers, and restores of uploaded packages."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import socket

import pytest
from tests.backup.testing.edms import Edms
from tests.backup.testing.restoring import running
from tests.backup.testing.serving import serving, wait_until
from tests.backup.testing.stored_backup import ROOT

LIST = f"{ROOT}uploads/"
BYTES = "application/offset+octet-stream"


@pytest.fixture(scope="module")
def system(migrated_home, tmp_path_factory):
    edms = Edms.copied(migrated_home, tmp_path_factory.mktemp("system") / "home")
    edms.have_repository()
    with running(edms) as made:
        yield made


def exported(system, **changes) -> bytes:
    package = system.edms.home / "out.tar.gz.gpg"
    system.edms.json("trigger_backup", "--type", "EXPORT", "--output", str(package), **changes)
    content = package.read_bytes()
    package.unlink()
    return content


def test_a_package_that_breaks_off_goes_on_and_comes_back(system):
    """Through a real server: a connection that is cut in the middle, then restored to the live system."""
    content, files = exported(system), system.files()
    (system.edms.media / "papers/paper-00001.bin").unlink()
    upload = begun(system.server, content)
    cut_off(system.server, f"uploads/{upload}/", content, after=len(content) // 2)
    offset = offset_of(system.server, upload)
    assert 0 < offset <= len(content) // 2
    assert added(system.server, upload, content[offset:], offset) == (204, str(len(content)))
    assert (system.edms.storage / f"uploads/{upload}.part").read_bytes() == content

    asked = {"upload": upload, "safety_backup": False}
    planned = system.operation(system.post("restores/plan/", asked, expect=202))
    assert (planned["status"], planned["result"]["blocking"]) == ("COMPLETED", []), planned
    asked |= {"plan": planned["uuid"], "confirm": "out.tar.gz.gpg"}
    made = system.post("restore_from_file/", asked, expect=201)
    assert system.operation(made["operation"])["status"] == "COMPLETED"
    assert system.files() == files


@pytest.mark.parametrize("kind", ["uvicorn", "image"])
def test_asgi_servers_keep_received_parts(system, kind):
    """Django would throw it away, and a client that sends a package in one request would start again each time."""
    content = os.urandom(1_000_000)
    with serving(system.edms, kind, system.server.token) as server:
        upload = begun(server, content)
        cut_off(server, f"uploads/{upload}/", content, after=700_000)
        wait_until(lambda: offset_of(server, upload) > 0)
        offset = offset_of(server, upload)
        assert offset <= 700_000
        assert added(server, upload, content[offset:], offset) == (204, str(len(content)))
    assert (system.edms.storage / f"uploads/{upload}.part").read_bytes() == content


def test_a_package_of_another_passphrase_is_not_opened(system, tmp_path):
    # From where no repository shows that the passphrase is another one.
    content = exported(system, BACKUP_PASSWORD="another one", BACKUP_STORAGE_ROOT=str(tmp_path / "elsewhere"))
    upload = begun(system.server, content)
    assert added(system.server, upload, content, 0) == (204, str(len(content)))
    planned = system.operation(system.post("restores/plan/", {"upload": upload}, expect=202))
    assert planned["status"] == "FAILED"
    assert "passphrase" in planned["error_message"]


def added(server, upload: str, content: bytes, offset: int) -> tuple[int, str | None]:
    headers = {"Content-Type": BYTES, "Upload-Offset": str(offset)}
    connection, answer = server.ask(f"uploads/{upload}/", "PATCH", headers, body=content)
    with contextlib.closing(connection):
        return answer.status, answer.headers["Upload-Offset"]


def begun(server, content: bytes) -> str:
    headers = {
        "Upload-Length": str(len(content)),
        "Upload-Metadata": f"filename {base64.b64encode(b'out.tar.gz.gpg').decode()}",
    }
    connection, answer = server.ask("uploads/", "POST", headers)
    with contextlib.closing(connection):
        return answer.headers["Location"].rstrip("/").rpartition("/")[2]


def cut_off(server, address: str, content: bytes, *, after: int) -> None:
    """Begin to send all of it, and go away in the middle."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("PATCH", f"{ROOT}{address}")
    for name, value in (
        ("Authorization", f"Token {server.token}"),
        ("Content-Type", BYTES),
        ("Upload-Offset", "0"),
        ("Content-Length", str(len(content))),
    ):
        connection.putheader(name, value)
    connection.endheaders(content[:after])
    connection.sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.getresponse().read()
    connection.close()


def offset_of(server, upload: str) -> int:
    connection, answer = server.ask(f"uploads/{upload}/", "HEAD")
    with contextlib.closing(connection):
        return int(answer.headers["Upload-Offset"])
