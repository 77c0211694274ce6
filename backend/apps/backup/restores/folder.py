"""A backup's tree into an empty folder, for looking at it or taking single files out; nothing live is involved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..progress import Tracker
from .errors import RestoreRefused
from .origin import Origin
from .plan import Plan
from .planning import content_bytes


def restore_to_folder(origin: Origin, plan: Plan, tracker: Tracker, tick: Callable[[], None]) -> list[str]:
    """Restore everything in the backup below `plan.to_folder`; notes for the user. Raises what went wrong."""
    if plan.blocking:
        raise RestoreRefused("The restore cannot be done: " + "; ".join(plan.blocking))
    tracker.begin("restoring to the folder", total_bytes=content_bytes(origin.manifest))

    def progress(files: int, size: int) -> None:
        tracker.reached(files=files, bytes_done=size)
        tick()

    return origin.unpack({b"": Path(plan.to_folder)}, progress)
