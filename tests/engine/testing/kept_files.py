"""Kept files that were deleted from a tree while it is read."""

from __future__ import annotations

import os
from pathlib import Path


class Kept:
    """A `DeletedFiles` of the engine that mirrors a tree."""

    def __init__(self, tree: Path, place: Path) -> None:
        self.tree, self.place = os.fsencode(tree), os.fsencode(place)

    def names(self, folder: bytes) -> list[bytes]:
        found = self.find(folder)
        return [] if found is None else os.listdir(found)

    def find(self, path: bytes) -> bytes | None:
        found = self.place + path[len(self.tree) :]
        return found if os.path.lexists(found) else None
