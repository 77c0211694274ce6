"""Chunks of zeros have known ids and are restored as holes."""

import hashlib
import os
from pathlib import Path

import pytest

from strongroom.archiver import ArchiveOptions, archive
from strongroom.chunker import MAX_SIZE, MIN_SIZE
from strongroom.entries import OnDisk
from strongroom.ids import BlobKind
from strongroom.repository import Repository
from strongroom.restorer import restore
from strongroom.zero_chunks import zero_chunks, zeros_id


def test_zero_chunks_have_the_correct_ids():
    assert zero_chunks() == {hashlib.sha256(bytes(size)).digest(): size for size in (MAX_SIZE, MIN_SIZE)}
    assert zeros_id(bytes(MAX_SIZE)) == hashlib.sha256(bytes(MAX_SIZE)).digest()


@pytest.mark.parametrize("place", [0, MAX_SIZE // 2, MAX_SIZE - 1])
def test_a_chunk_with_another_byte_is_no_zero_chunk(place):
    chunk = bytearray(MAX_SIZE)
    chunk[place] = 1
    assert zeros_id(bytes(chunk)) is None
    assert zeros_id(bytes(MAX_SIZE - 1)) is None
    assert zeros_id(bytes(MAX_SIZE + 1)) is None
    assert zeros_id(b"") is None


def test_holes_round_trip(repository: Repository, tmp_path: Path):
    with (tmp_path / "sparse").open("wb") as file:
        for place in (3 * MAX_SIZE + 5, 7 * MAX_SIZE):
            file.seek(place)
            file.write(os.urandom(100))
        file.truncate(10 * MAX_SIZE + 1)
    snapshot = archive(
        repository, [OnDisk(b"sparse", os.fsencode(tmp_path / "sparse"))], ArchiveOptions(paths=["/"])
    ).snapshot
    (zeros,) = [blob for blob, size in zero_chunks().items() if size == MAX_SIZE]
    assert list(repository.load_index().find(BlobKind.DATA, zeros))
    restored = restore(repository, snapshot, tmp_path / "back")
    assert restored.damaged == []
    assert (tmp_path / "back/sparse").read_bytes() == (tmp_path / "sparse").read_bytes()
    assert (tmp_path / "back/sparse").stat().st_blocks * 512 < MAX_SIZE
