"""Progress inside of large files, streams and packages; holes of sparse files do not count."""

import io
import os
import time

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.chunker import MAX_SIZE
from strongroom.entries import OnDisk, Stream
from strongroom.packages import write_package
from strongroom.repository import Repository
from strongroom.sparse_files import data_bytes

PIECE = 1 << 20


class Slow:
    """A stream that takes its time, as a database dump does."""

    def __init__(self, pieces):
        self._pieces = iter(pieces)

    def read(self, _size):
        time.sleep(0.05)
        return next(self._pieces, b"")

    def close(self):
        """Nothing is open."""


@pytest.fixture
def repository(tmp_path):
    return Repository.init(LocalBackend(tmp_path / "repository"), PASSPHRASE, cost=CHEAP)


def test_a_stream_counts_while_it_is_read(repository):
    seen = []
    pieces = [os.urandom(PIECE) for _ in range(40)]
    entry = Stream(b"dump", lambda: Slow(pieces))
    done = archive(repository, [entry], ArchiveOptions(paths=("/",)), progress=seen.append)
    within = [at.bytes_done for at in seen if at.files_done == 0 and at.bytes_done > 0]
    assert len(set(within)) > 1
    assert within == sorted(within)
    assert seen[-1].bytes_done == done.summary.total_bytes_processed == 40 * PIECE


def test_holes_do_not_count_and_unchanged_files_do(repository, tmp_path):
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.write(os.urandom(PIECE))
        file.truncate(1 << 30)
    (tmp_path / "small").write_bytes(b"x" * 1000)
    status = sparse.stat()
    if status.st_blocks * 512 >= status.st_size:
        pytest.skip("this file system has no holes")
    entries = [OnDisk(name, os.fsencode(tmp_path) + b"/" + name) for name in (b"small", b"sparse")]
    seen = []
    first = archive(repository, entries, ArchiveOptions(paths=("/",)), progress=seen.append)
    read = seen[-1].bytes_done
    # The chunk in which the data ends and the last one have zeros, too.
    assert PIECE + 1000 <= read <= PIECE + 2 * MAX_SIZE + 1000
    assert first.summary.total_bytes_processed == (1 << 30) + 1000
    estimate = data_bytes(os.fsencode(sparse), status)
    assert PIECE <= estimate <= 2 * PIECE
    options = ArchiveOptions(paths=("/",), parent=first.snapshot)
    archive(repository, entries, options, progress=seen.append)
    assert seen[-1].bytes_done == estimate + 1000


def test_a_package_counts_while_a_file_is_written(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "large").write_bytes(os.urandom(8 * PIECE))
    seen = []
    entries = [
        OnDisk(b"files", os.fsencode(folder)),
        Stream(b"manifest.json", lambda: io.BytesIO(b"{}")),
    ]
    write_package(tmp_path / "package.tar.gz", entries, mtime_ns=0, progress=lambda *at: seen.append(at))
    # The README stands before it, and is read back after it.
    within = {size for files, size in seen if files == 1}
    assert len(within) > 8
