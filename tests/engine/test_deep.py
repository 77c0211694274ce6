"""Folders nested deeper than the longest path of the system and Python's stack."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE

from strongroom.affected_snapshots import find_affected
from strongroom.archiver import ArchiveOptions, archive
from strongroom.checker import check, verify_snapshot
from strongroom.downloads import FolderDownload
from strongroom.entries import OnDisk
from strongroom.long_paths import count_entries, reachable, remove_tree
from strongroom.prune import PruneOptions, execute_prune, forget, plan_prune
from strongroom.repair import plan_snapshots
from strongroom.repository import Repository
from strongroom.repository.locks import Timing
from strongroom.restorer import restore
from strongroom.snapshots import SnapshotView
from strongroom.testing.memory import MemoryBackend

pytestmark = pytest.mark.slow

LEVELS = 1200
"""More than Python's stack holds, with a path of 6,000 bytes, more than the system takes. 5,000 levels work as well,
and take seventeen times as long."""
STEP = b"/deep"


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """Build a chain of folders with a file and a link in the deepest folder, and another file half way."""
    top = tmp_path / "deep"
    top.mkdir()
    here = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for level in range(LEVELS):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        if level == LEVELS // 2:
            _write(below, "half")
        os.close(here)
        here = below
    _write(here, "deepest")
    os.symlink("deepest", "link", dir_fd=here)
    os.close(here)
    yield top
    remove_tree(os.fsencode(top))
    remove_tree(os.fsencode(tmp_path / "target")) if (tmp_path / "target").exists() else None
    assert not top.exists()


def _write(folder: int, name: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=folder)
    os.write(descriptor, name.encode())
    os.close(descriptor)


def test_folders_of_any_depth_are_archived_and_restored(deep: Path, tmp_path: Path) -> None:
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    options = ArchiveOptions(paths=["/deep"], lock_timing=Timing(settle=0))
    first = archive(repository, [OnDisk(b"deep", os.fsencode(deep))], options)
    assert first.problems == ()
    assert first.summary.total_files_processed == 2
    again = archive(
        repository,
        [OnDisk(b"deep", os.fsencode(deep))],
        ArchiveOptions(paths=["/deep"], lock_timing=Timing(settle=0), parent=first.snapshot),
    )
    assert again.summary.files_unmodified == 2
    assert again.snapshot.tree == first.snapshot.tree
    assert check(repository, read_data=True).good
    assert verify_snapshot(repository, again.snapshot).good
    view = SnapshotView(repository, again.snapshot)
    paths = [path for path, _ in view.walk()]
    assert len(paths) == LEVELS + 4
    node = view.find(b"deep")
    assert node is not None
    download = FolderDownload(view, node)
    assert sum(map(len, download.read(0, download.length))) == download.length
    assert plan_snapshots(repository).empty
    assert find_affected(repository, view.reader.index, [again.snapshot], []).snapshots == frozenset()
    with repository.lock(exclusive=True, timing=Timing(settle=0)) as lock:
        plan = plan_prune(repository, without=[first.snapshot.id], options=PruneOptions(max_unused=0))
        forget(repository, [first.snapshot.id], lock)
        execute_prune(repository, plan, lock)
    result = restore(repository, again.snapshot, tmp_path / "target")
    assert (result.damaged, result.unapplied, result.files) == ([], [], 2)
    assert count_entries(os.fsencode(tmp_path / "target")) == LEVELS + 4
    bottom = os.fsencode(tmp_path / "target/deep") + STEP * LEVELS
    with reachable(bottom + b"/deepest") as place:
        assert Path(os.fsdecode(place)).read_bytes() == b"deepest"
    with pytest.raises(FileNotFoundError) as caught, reachable(bottom + b"/missing") as place:
        os.lstat(place)
    assert caught.value.filename == bottom + b"/missing"
