"""Compare the disk space that a restore needs with the free space."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from .plan import Plan, Space, nearest_existing

_MARGIN: Final = 4 * 1024 * 1024


def plan_space(plan: Plan, needed: dict[Path, int]) -> None:
    """Add the free space of each disk to the plan; one with too little blocks the restore.

    `needed` has the bytes to be written below each folder. Folders on one disk are added up.
    """
    by_device: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        place = nearest_existing(folder)
        device = place.stat().st_dev
        where, sum_so_far = by_device.get(device, (place, 0))
        by_device[device] = (where, sum_so_far + size)
    for where, size in by_device.values():
        status = os.statvfs(where)
        available = status.f_bavail * status.f_frsize
        plan.space.append(Space(str(where), size, available))
        margin = size // 50 + _MARGIN
        if size + margin > available:
            plan.blocking.append(
                f"{where} has {available:,} bytes free, but the restore needs {size:,} beside the existing data, with"
                f" {margin:,} to spare; make room"
            )
