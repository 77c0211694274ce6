"""Restore a backup's tree, or some of its paths, into an empty folder, to examine it or to take files out.

The live system is not involved.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strongroom.selection import Selection

from ...core.paths import path_of
from ...core.progress import Tracker
from ...errors import RestoreRefused
from ..backup_source import Origin
from ..planning.plan import Plan


def restore_to_folder(origin: Origin, plan: Plan, tracker: Tracker, tick: Callable[[], None]) -> list[str]:
    """Restore the planned paths below `plan.to_folder`, and return notes for the user."""
    if plan.blocking:
        raise RestoreRefused("The restore cannot be done: " + "; ".join(plan.blocking))
    tracker.begin("restoring to the folder", total_bytes=plan.counts["bytes"])

    def progress(files: int, size: int) -> None:
        tracker.reached(files=files, bytes_done=size)
        tick()

    only = Selection(map(path_of, plan.paths)) if plan.paths else None
    return [*origin.notes, *origin.unpack({b"": Path(plan.to_folder)}, progress, only=only)]
