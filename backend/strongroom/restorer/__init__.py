"""Restore a snapshot, or a folder of it, into an empty folder."""

from __future__ import annotations

import os
from collections.abc import Callable

from strongroom.errors import RestoreError
from strongroom.format.snapshot import Snapshot
from strongroom.repository import Index, Repository
from strongroom.restorer.result import RestoreProblem, RestoreProgress, RestoreResult
from strongroom.restorer.run import RestoreRun
from strongroom.restorer.target import Target
from strongroom.selection import Selection
from strongroom.snapshots import SnapshotView

__all__ = ["RestoreProblem", "RestoreProgress", "RestoreResult", "restore"]


def restore(
    repository: Repository,
    snapshot: Snapshot,
    target: str | os.PathLike[str],
    *,
    subtree: bytes = b"",
    only: Selection | None = None,
    index: Index | None = None,
    progress: Callable[[RestoreProgress], None] | None = None,
) -> RestoreResult:
    """Restore everything below `subtree` into the empty or absent folder `target`. The caller holds a lock.

    With `only`, restore the selected paths below `subtree` at the same places, with the folders that lead there.

    Damaged entries are listed in the result and left out; everything else is restored. Raises TargetNotEmpty, NoSpace,
    TargetDenied or UnsafeName, and RestoreError for any other refusal of the file system.
    """
    view = SnapshotView(repository, snapshot, index)
    root = view.subtree(subtree)
    if root is None:
        raise RestoreError(
            f"Snapshot {snapshot.id[:8]} has no folder {os.fsdecode(subtree)!r}. `strongroom ls` lists its folders."
        )
    place = Target(os.fsencode(target))
    try:
        place.prepare()
        run = RestoreRun(view, place, progress, only)
        run.measure(root)
        run.restore(root)
    except OSError as error:
        raise place.translate(error) from error
    place.result.damage.extend(view.reader.damage.values())
    return place.result
