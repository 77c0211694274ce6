"""Snapshots of a few kilobytes that expand to an endless number of paths."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE

from strongroom import expansion_limit
from strongroom.checker import verify_snapshot
from strongroom.errors import Damaged
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node, NodeKind, encode_tree
from strongroom.ids import BlobKind
from strongroom.repository import Repository
from strongroom.repository.blob_writer import BlobWriter
from strongroom.restorer import restore
from strongroom.snapshots import SnapshotView
from strongroom.testing.memory import MemoryBackend

LEVELS = 60


@pytest.fixture
def bomb(monkeypatch: pytest.MonkeyPatch) -> tuple[Repository, Snapshot]:
    """Build sixty folders, each with the next one in it twice."""
    monkeypatch.setattr(expansion_limit, "FREE", 20_000)
    monkeypatch.setattr(expansion_limit, "MOST_TIMES", 100)
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    with BlobWriter(repository, repository.load_index()) as writer:
        tree = writer.store(BlobKind.TREE, encode_tree([]))
        for _ in range(LEVELS):
            nodes = [Node(name=name, kind=NodeKind.DIR, subtree=tree) for name in (b"left", b"right")]
            tree = writer.store(BlobKind.TREE, encode_tree(nodes))
    return repository, repository.save_snapshot(Snapshot(time_ns=time.time_ns(), tree=tree, paths=("/",)))


def test_a_snapshot_without_end_is_refused(bomb: tuple[Repository, Snapshot], tmp_path: Path) -> None:
    repository, snapshot = bomb
    with pytest.raises(Damaged, match="repeats its folders without end"):
        for _ in SnapshotView(repository, snapshot).walk():
            pass
    with pytest.raises(Damaged, match="made to fill a disk"):
        restore(repository, snapshot, tmp_path / "target")
    assert os.listdir(tmp_path / "target") == []
    # Check reads each folder once, so it ends.
    assert verify_snapshot(repository, snapshot).trees == LEVELS + 1


def test_many_copies_of_a_folder_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion_limit, "FREE", 100)
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    with BlobWriter(repository, repository.load_index()) as writer:
        tree = writer.store(BlobKind.TREE, encode_tree([Node(name=b"f%d" % n, kind=NodeKind.FIFO) for n in range(9)]))
        nodes = [Node(name=b"%03d" % number, kind=NodeKind.DIR, subtree=tree) for number in range(500)]
        root = writer.store(BlobKind.TREE, encode_tree(nodes))
    snapshot = repository.save_snapshot(Snapshot(time_ns=time.time_ns(), tree=root, paths=("/",)))
    assert sum(1 for _ in SnapshotView(repository, snapshot).walk()) == 5000
