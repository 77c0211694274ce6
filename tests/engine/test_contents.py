"""stats, diff, find, dump, copy and mount of `strongroom`, compared with the stock restic."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.conftest import Call
from tests.engine.testing.restic import CHEAP, PASSPHRASE, Restic, environment

from strongroom.backends import LocalBackend
from strongroom.checker import check
from strongroom.ids import BlobKind
from strongroom.repository import Repository

pytestmark = pytest.mark.slow


@pytest.fixture
def filled(restic: Restic, store: Path, tmp_path: Path) -> tuple[Path, list[str]]:
    """Two snapshots that restic made of a changing folder, and their ids."""
    Repository.init(LocalBackend(store), PASSPHRASE, cost=CHEAP)
    source = tmp_path / "source"
    (source / "sub/deep").mkdir(parents=True)
    (source / "same.txt").write_bytes(b"same" * 1000)
    (source / "twin.txt").write_bytes(b"same" * 1000)
    (source / "sub/changed.bin").write_bytes(os.urandom(3_000_000))
    (source / "sub/deep/Gone.PDF").write_bytes(b"gone")
    (source / "mode").write_bytes(b"mode")
    (source / "turns").write_bytes(b"a file")
    os.link(source / "same.txt", source / "hard.txt")
    (source / "link").symlink_to("same.txt")
    restic.run("backup", str(source))
    with (source / "sub/changed.bin").open("r+b") as file:
        file.write(os.urandom(1000))
    (source / "sub/deep/Gone.PDF").unlink()
    (source / "new").mkdir()
    (source / "new/file.pdf").write_bytes(b"new")
    (source / "mode").chmod(0o600)
    (source / "turns").unlink()
    (source / "turns").mkdir()
    (source / "turns/inside").write_bytes(b"inside")
    restic.run("backup", str(source))
    ids = [one["id"] for one in json.loads(restic.run("snapshots", "--json"))]
    return source, ids


def records(output: bytes) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def test_statistics_are_those_of_restic(
    call: Call, restic: Restic, store: Path, filled: tuple[Path, list[str]]
) -> None:
    for mode in ("restore-size", "files-by-contents", "raw-data", "blobs-per-file"):
        for chosen in ([], ["latest"], filled[1]):
            expected = json.loads(restic.run("stats", "--json", "--mode", mode, *chosen))
            found = json.loads(call(store, "stats", "--json", "--mode", mode, *chosen).stdout)
            same = {key: found[key] for key in expected if expected[key] and key in found}
            assert same == {key: expected[key] for key in same}, (mode, chosen)
            assert same["total_size"] > 1000
    assert b"Total size: " in call(store, "stats").stdout


def test_differences_are_those_of_restic(
    call: Call, restic: Restic, store: Path, filled: tuple[Path, list[str]]
) -> None:
    for options in ([], ["--metadata"]):
        expected = restic.run("diff", *options, *filled[1])
        found = call(store, "diff", *options, *filled[1]).stdout.decode()
        lines = re.compile(r"^[-+MTU]+ +/.*$", re.MULTILINE)
        assert lines.findall(found) == lines.findall(expected)
        counts = re.compile(r"^(?:Files|Dirs|Others|Data Blobs|Tree Blobs):.*$", re.MULTILINE)
        assert counts.findall(found) == counts.findall(expected)
        assert len(lines.findall(found)) > 4
    changes = records(call(store, "diff", "--json", *filled[1]).stdout)
    assert changes[-1]["message_type"] == "statistics"
    assert {one["path"].rpartition("/")[2]: one["modifier"] for one in changes[:-1]}["changed.bin"] == "M"


@pytest.mark.parametrize(
    "patterns",
    [["*.pdf"], ["-i", "*.pdf"], ["sub"], ["sub/*"], ["**/deep"], ["same.tx?", "new"], ["[m-n]*"], ["/source"], ["zz"]],
)
def test_found_files_are_those_of_restic(
    call: Call, restic: Restic, store: Path, filled: tuple[Path, list[str]], patterns: list[str]
) -> None:
    expected = {
        (found["snapshot"], match["path"])
        for found in json.loads(restic.run("find", "--json", *patterns))
        for match in found["matches"] or ()
    }
    done = call(store, "find", "--json", *patterns, code=0 if expected else 1)
    assert {(one["snapshot"], one["path"]) for one in records(done.stdout)} == expected
    assert bool(expected) != (patterns in (["zz"], ["/source"]))


def test_find_by_time_and_by_what_is_damaged(call: Call, store: Path, filled: tuple[Path, list[str]]) -> None:
    source, ids = filled
    os.utime(source / "new/file.pdf", (0, 0))
    assert records(call(store, "find", "--json", "*.pdf", "--newest", "2001-01-01", code=1).stdout) == []
    (found,) = records(call(store, "find", "--json", "*.pdf", "--oldest", "2001-01-01").stdout)
    assert found["path"] == f"{source}/new/file.pdf"
    assert call(store, "find", "Gone*", "--snapshot", ids[0][:8]).stdout.splitlines()[1:] == [
        f"{source}/sub/deep/Gone.PDF".encode()
    ]
    index = Repository.open(LocalBackend(store), PASSPHRASE).load_index()
    every = set(index.packs)
    needing = [records(call(store, "find", "--json", "--pack", pack[:12]).stdout) for pack in sorted(every)]
    assert any(one.get("data") and one["path"].endswith("changed.bin") for pack in needing for one in pack)
    blob = next(one["data"] for pack in needing for one in pack if one.get("data"))
    assert records(call(store, "find", "--json", "--blob", blob[:16]).stdout)[0]["data"] == blob
    assert b"begins with 'ffffffffffff'" in call(store, "find", "--tree", "ffffffffffff", code=1).stderr
    assert call(store, "find", code=2).stdout == b""


def test_dump_a_file_a_tar_and_a_zip(
    call: Call, restic: Restic, store: Path, filled: tuple[Path, list[str]], tmp_path
) -> None:
    source, ids = filled
    path = f"{source}/sub/changed.bin"
    for one in (*ids, "latest"):
        assert call(store, "dump", one, path).stdout == restic.run("dump", one, path).encode("utf-8", "surrogateescape")
    assert call(store, "dump", "latest", path).stdout == Path(path).read_bytes()
    kept = {"same.txt": b"same" * 1000, "new/file.pdf": b"new", "turns/inside": b"inside"}
    with tarfile.open(fileobj=io.BytesIO(call(store, "dump", "latest", str(source)).stdout)) as archive:
        for name, content in kept.items():
            assert archive.extractfile(f"source/{name}").read() == content
        assert archive.getmember("source/link").linkname == "same.txt"
        assert archive.getmember("source/mode").mode == 0o600
    call(store, "dump", "latest", "/", "--archive", "zip", "--target", str(tmp_path / "all.zip"))
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        for name, content in kept.items():
            assert archive.read(f"{source}/{name}".lstrip("/")) == content
    assert b"File exists" in call(store, "dump", "latest", "/", "--target", str(tmp_path / "all.zip"), code=1).stderr
    assert b"strongroom find" in call(store, "dump", "latest", "/no/such", code=1).stderr


def test_copy_gives_a_repository_that_restic_checks(
    call: Call, restic: Restic, store: Path, filled: tuple[Path, list[str]], tmp_path: Path
) -> None:
    target = Repository.init(LocalBackend(tmp_path / "target"), PASSPHRASE, cost=CHEAP)
    (tmp_path / "password").write_text(PASSPHRASE)
    source = ["--from-repo", str(store), "--from-password-file", str(tmp_path / "password")]
    done = json.loads(call(tmp_path / "target", "copy", "--json", *source).stdout)
    assert len(done["snapshots"]) == 2
    assert check(target, read_data=True).good
    copied = Restic(restic.binary, tmp_path / "target")
    copied.check()
    assert [one["original"] for one in json.loads(copied.run("snapshots", "--json"))] == filled[1]
    assert b"0 snapshots copied" in call(tmp_path / "target", "copy", *source).stdout
    # Under pytest, as under cron, there is no terminal to ask on.
    asked = call(tmp_path / "target", "copy", *source[:2], code=1)
    assert b"No passphrase of the source is given. Use --from-password-file FILE." in asked.stderr


@contextlib.contextmanager
def mounted(store: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "strongroom.cli", "mount"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "STRONGROOM_REPOSITORY": str(store), "BACKUP_PASSWORD": PASSPHRASE},
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in errors, errors[-1500:]


def fetched(address: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(address, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_mount_serves_every_file_to_those_who_know_the_address(store: Path, filled: tuple[Path, list[str]]) -> None:
    source, ids = filled
    with mounted(store) as address:
        status, listed = fetched(f"{address}ids/", "PROPFIND", Depth="1")
        assert status == 207
        assert ids[0][:8].encode() in listed
        folder = f"{address}ids/{ids[1][:8]}{source}"
        assert b"<D:getcontentlength>3000000<" in fetched(f"{folder}/sub", "PROPFIND", Depth="1")[1]
        content = (source / "sub/changed.bin").read_bytes()
        assert fetched(f"{folder}/sub/changed.bin") == (200, content)
        assert fetched(f"{folder}/sub/changed.bin", Range="bytes=2999990-") == (206, content[-10:])
        assert fetched(f"{folder}/sub/changed.bin", Range="bytes=1000-1099") == (206, content[1000:1100])
        assert fetched(f"{folder}/sub/changed.bin", Range="bytes=-5") == (206, content[-5:])
        assert fetched(f"{folder}/sub/changed.bin", Range="bytes=3000000-")[0] == 416
        assert fetched(f"{folder}/no-such")[0] == 404
        assert fetched(f"{folder}/sub/changed.bin", "PUT")[0] == 501
        assert fetched(f"{folder}/sub/changed.bin", "DELETE")[0] == 501
        assert fetched(re.sub(r"/[^/]+/\Z", "/wrong/", address))[0] == 404
        assert fetched(re.sub(r"/[^/]+/\Z", "/", address))[0] == 404
        index = Repository.open(LocalBackend(store), PASSPHRASE).load_index()
        for pack, blobs in index.blobs_in(index.packs).items():
            if blobs[0].kind is BlobKind.DATA:
                (store / "data" / pack[:2] / pack).unlink()
        status, answer = fetched(f"{folder}/sub/changed.bin")
        assert status == 500
        assert b"strongroom check" in answer
        assert fetched(f"{folder}/sub", "PROPFIND", Depth="1")[0] == 207
