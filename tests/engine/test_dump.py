"""`strongroom dump` where something is wrong: damaged data, a full disk, a name that is taken."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.conftest import Call
from tests.engine.testing.restic import PASSPHRASE, environment

from strongroom.archiver import ArchiveOptions, archive
from strongroom.entries import OnDisk
from strongroom.repository import Repository
from strongroom.testing.trees import File, build

pytestmark = pytest.mark.slow

FILES = {b"a": File(b"whole" * 1000), b"b": File(os.urandom(6_000_000))}


@pytest.fixture
def pack(repository: Repository, store: Path, tmp_path: Path) -> Path:
    """Return the pack of two files."""
    build(tmp_path / "source", FILES)
    entries = [OnDisk(b"files", os.fsencode(tmp_path / "source"))]
    archive(repository, entries, ArchiveOptions(paths=["/edms"]))
    return max((one for one in (store / "data").rglob("*") if one.is_file()), key=lambda one: one.stat().st_size)


def flip(path: Path) -> None:
    """Change a byte of the second file, far from its begin."""
    content = bytearray(path.read_bytes())
    content[-1_000_000] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def is_whole(content: bytes) -> bool:
    """Return whether an archive can be read to its end."""
    try:
        if content.startswith(b"PK"):
            return zipfile.ZipFile(io.BytesIO(content)).testzip() is None
        with tarfile.open(fileobj=io.BytesIO(content), mode="r|") as found:
            return all(not one.isfile() or len(found.extractfile(one).read()) == one.size for one in found)
    except (zipfile.BadZipFile, tarfile.TarError):
        return False


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_of_damaged_data_is_no_archive(call: Call, store: Path, pack: Path, tmp_path: Path, kind: str):
    target = tmp_path / "archive"
    dump = ("dump", "latest", "/", "--archive", kind)
    assert is_whole(call(store, *dump).stdout)
    flip(pack)
    answer = call(store, *dump, code=1)
    assert len(answer.stdout) > 1_000_000
    assert not is_whole(answer.stdout)
    assert b"damaged" in answer.stderr
    call(store, *dump, "--target", str(target), code=1)
    assert sorted(os.listdir(tmp_path)) == ["repository", "source"]
    # The other file needs none of it.
    assert call(store, "dump", "latest", "/files/a").stdout == FILES[b"a"].content
    flip(pack)
    call(store, *dump, "--target", str(target))
    assert is_whole(target.read_bytes())


def test_a_full_disk_leaves_nothing(
    call: Call, store: Path, pack: Path, tmp_path: Path, under_limit: Callable[[int], None]
):
    under_limit(1_000_000)
    answer = call(store, "dump", "latest", "/files/b", "--target", str(tmp_path / "b"), code=1)
    assert b"Cannot write" in answer.stderr
    assert b"Nothing was left there" in answer.stderr
    assert sorted(os.listdir(tmp_path)) == ["repository", "source"]


def test_a_file_is_not_replaced(call: Call, store: Path, pack: Path, tmp_path: Path):
    (tmp_path / "b").symlink_to("nowhere")
    assert b"File exists" in call(store, "dump", "latest", "/files/b", "--target", str(tmp_path / "b"), code=1).stderr
    assert (tmp_path / "b").is_symlink()
    assert b"No such file" in call(store, "dump", "latest", "/", "--target", str(tmp_path / "c/d"), code=1).stderr


@pytest.mark.parametrize("line", ["dump latest /files/b", "ls latest", "snapshots --json"])
def test_a_full_disk_behind_stdout_is_an_error(store: Path, pack: Path, line: str):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "strongroom.cli", *line.split()],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment(), "STRONGROOM_REPOSITORY": str(store), "BACKUP_PASSWORD": PASSPHRASE},
        )
    assert done.returncode == 1
    assert done.stderr == (
        "error: The output cannot be written: No space left on device. It is incomplete. Make room or send it to"
        " another place, and run the command again.\n"
    )
