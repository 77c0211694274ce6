"""Downloads from a real backup through real web servers, of both kinds: whole, broken off, and while it is removed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import threading
import time
from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms
from tests.backup.testing.homes import create, make_older, packs, trigger
from tests.backup.testing.serving import SERVERS, serving, token_of, wait_until

from strongroom.cli import main as strongroom

SIZE = 40 << 20


@pytest.fixture(scope="module")
def stored(migrated_home, tmp_path_factory):
    """An EDMS with a full backup, and who may download it."""
    edms = Edms.copied(migrated_home, tmp_path_factory.mktemp("served") / "home")
    edms.have_repository()
    edms.add_files(1, size=SIZE, folder="large")
    job = edms.json("trigger_backup", "--type", "FULL")["job"]
    return edms, job, token_of(edms, "reader")


@pytest.fixture(scope="module", params=SERVERS)
def served(request, stored):
    edms, job, token = stored
    with serving(edms, request.param, token) as server:
        yield edms, job, server


def locks(edms) -> int:
    return len(list((edms.storage / "repository" / "locks").iterdir()))


def test_a_backup_comes_whole_and_is_taken_in(served, tmp_path):
    edms, job, server = served
    where = f"jobs/{job}/download/"
    status, headers, content = server.get(where)
    assert (status, int(headers["Content-Length"])) == (200, len(content))
    (tmp_path / "p.tar.gz").write_bytes(content)

    plan = edms.json("restore_backup", "--package", str(tmp_path / "p.tar.gz"), "--dry-run")

    assert plan["blocking"] == []
    assert strongroom(["package", "verify", str(tmp_path / "p.tar.gz")]) == 0
    assert {one["kind"] for one in plan["replacements"]} == {"database", "files"}
    half = len(content) // 2
    again = server.get(where, {"Range": f"bytes={half}-", "If-Range": headers["ETag"]})
    assert (again[0], again[1]["Content-Range"]) == (206, f"bytes {half}-{len(content) - 1}/{len(content)}")
    assert again[2] == content[half:]
    connection, head = server.ask(where, "HEAD")
    with contextlib.closing(connection):
        assert (head.headers["Content-Length"], head.headers["ETag"]) == (str(len(content)), headers["ETag"])
    (large,) = (edms.media / "large").iterdir()
    assert server.get(where, path=f"files/media/large/{large.name}")[2] == large.read_bytes()
    wait_until(lambda: locks(edms) == 0)


def test_looking_into_a_backup_takes_no_time(served):
    _, job, server = served
    server.get(f"jobs/{job}/files/")
    took = []
    for _ in range(5):
        begun = time.monotonic()
        status, _, content = server.get(f"jobs/{job}/files/", path="files/media/papers")
        took.append(time.monotonic() - begun)
        assert (status, len(json.loads(content)["results"])) == (200, 5)
    assert min(took) < 0.25


def test_a_client_that_goes_away_lets_go_of_the_repository(served):
    edms, job, server = served
    connection, answer = server.ask(f"jobs/{job}/download/", path="files")
    answer.read(1 << 20)
    assert locks(edms) == 1
    # Without the answer's own reference the socket would stay open.
    answer.close()
    connection.close()
    wait_until(lambda: locks(edms) == 0)


def test_memory_does_not_grow_with_a_download(served):
    edms, job, server = served
    server.get(f"jobs/{job}/download/")
    before = peak(server.pid)
    connection, answer = server.ask(f"jobs/{job}/download/", path="files")
    with contextlib.closing(connection):
        answer.read(1 << 20)
        # Return how many bytes the server has read ahead of a client that does not read.
        time.sleep(0.5)
        assert peak(server.pid) - before < SIZE // 4
    wait_until(lambda: locks(edms) == 0)


def peak(pid: int) -> int:
    """The most memory that a process or one of its children has had."""
    family = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    lines = [line for one in family for line in Path(f"/proc/{one}/status").read_text().splitlines()]
    return max(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def test_downloads_of_removed_backups_are_whole_or_fail(served):
    edms, _, server = served
    name = f"old-{server.pid}"
    create(edms, name)
    edms.add_files(1, size=8 << 20, folder="going")
    job = trigger(edms, name)["job"]
    trigger(edms, name)
    make_older(edms, job, 90)
    where = f"jobs/{job}/download/"
    expected = server.get(where, path="files/media/going")[2]
    seen: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        # Pauses, in which the prune comes to its lock.
        while not stop.wait(0.1):
            try:
                status, _, content = server.get(where, path="files/media/going")
            except http.client.IncompleteRead:
                status, content = 0, b""
            seen.append(status if status != 200 or content == expected else -1)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: seen)
    removed = [one["job"] for one in edms.json("backup_prune", "--force")["removed"]]
    wait_until(lambda: 410 in seen)
    stop.set()
    thread.join(60)
    assert removed == [job]
    assert set(seen) <= {200, 410, 503, 0}
    assert {200, 410} <= set(seen)
    assert server.get(f"jobs/{job}/files/")[0] == 410


def test_a_download_that_meets_damage_is_cut_off(served):
    edms, _, server = served
    before = set(packs(edms))
    folder = f"rotten-{server.pid}"
    edms.add_files(1, size=40 << 20, folder=folder)
    job = edms.json("trigger_backup", "--type", "FILES")["job"]
    # Of several packs the one that was written last: the file's beginning, and the answer's status, came before it.
    large = [path for path in set(packs(edms)) - before if path.stat().st_size > 1 << 20]
    pack = max(large, key=lambda path: path.stat().st_mtime_ns)
    good = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(good[: len(good) // 2] + bytes(1000) + good[len(good) // 2 + 1000 :])
    (name,) = [path.name for path in (edms.media / folder).iterdir()]
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        server.get(f"jobs/{job}/download/", path=f"files/media/{folder}/{name}")
    pack.write_bytes(good)
    assert server.get(f"jobs/{job}/download/", path=f"files/media/{folder}/{name}")[0] == 200
    wait_until(lambda: locks(edms) == 0)


def test_many_look_into_it_at_once(served):
    edms, job, server = served
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: server.get(f"jobs/{job}/files/", path="files/media"), range(24)))
    assert {status for status, _, _ in answers} == {200}
    assert len({content for _, _, content in answers}) == 1
    wait_until(lambda: locks(edms) == 0)
