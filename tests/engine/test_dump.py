"""`strongroom dump` where something is wrong: damaged data, a full disk, a name that is taken."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.engine.conftest import Call
from tests.engine.testing.restic import PASSPHRASE, environment

from strongroom.archiver import ArchiveOptions, archive
from strongroom.entries import OnDisk
from strongroom.repository import Repository
from strongroom.testing.trees import File, build

pytestmark = pytest.mark.slow

SIZE = 400_000
"""The bytes of the last file: too few to be cut into chunks."""
FILES = {b"a": File(b"whole" * 1000), b"b": File(os.urandom(6_000_000)), b"c": File(os.urandom(SIZE))}


class Byte(NamedTuple):
    """A byte of a stored file, and its position there."""

    path: Path
    position: int


@pytest.fixture
def last(repository: Repository, store: Path, tmp_path: Path) -> Byte:
    """Return a byte in the content of the last of three files."""
    build(tmp_path / "source", FILES)
    entries = [OnDisk(b"files", os.fsencode(tmp_path / "source"))]
    archive(repository, entries, ArchiveOptions(paths=["/edms"]))
    [(pack, blob)] = [place for _, [place] in repository.load_index().blobs() if place[1].size == SIZE]
    return Byte(store / "data" / pack[:2] / pack, blob.offset + SIZE // 2)


def flip(byte: Byte) -> None:
    """Change a byte; the second time it is as it was."""
    content = bytearray(byte.path.read_bytes())
    content[byte.position] ^= 1
    byte.path.chmod(0o600)
    byte.path.write_bytes(content)


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
def test_an_archive_of_damaged_data_is_no_archive(call: Call, store: Path, last: Byte, tmp_path: Path, kind: str):
    target = tmp_path / "archive"
    dump = ("dump", "latest", "/", "--archive", kind)
    assert is_whole(call(store, *dump).stdout)
    flip(last)
    answer = call(store, *dump, code=1)
    assert len(answer.stdout) > 1_000_000
    assert not is_whole(answer.stdout)
    assert b"damaged" in answer.stderr
    call(store, *dump, "--target", str(target), code=1)
    assert sorted(os.listdir(tmp_path)) == ["repository", "source"]
    # The other files need none of it.
    assert call(store, "dump", "latest", "/files/a").stdout == FILES[b"a"].content
    flip(last)
    call(store, *dump, "--target", str(target))
    assert is_whole(target.read_bytes())


def test_a_full_disk_leaves_nothing(
    call: Call, store: Path, last: Byte, tmp_path: Path, under_limit: Callable[[int], None]
):
    under_limit(1_000_000)
    answer = call(store, "dump", "latest", "/files/b", "--target", str(tmp_path / "b"), code=1)
    assert b"Cannot write" in answer.stderr
    assert b"Nothing was left there" in answer.stderr
    assert sorted(os.listdir(tmp_path)) == ["repository", "source"]


def test_a_file_is_not_replaced(call: Call, store: Path, last: Byte, tmp_path: Path):
    (tmp_path / "b").symlink_to("nowhere")
    assert b"File exists" in call(store, "dump", "latest", "/files/b", "--target", str(tmp_path / "b"), code=1).stderr
    assert (tmp_path / "b").is_symlink()
    assert b"No such file" in call(store, "dump", "latest", "/", "--target", str(tmp_path / "c/d"), code=1).stderr


@pytest.mark.parametrize("line", ["dump latest /files/b", "ls latest", "snapshots --json"])
def test_a_full_disk_behind_stdout_is_an_error(store: Path, last: Byte, line: str):
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
