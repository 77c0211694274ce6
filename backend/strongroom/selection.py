"""A selection of paths of a backup, each with everything below it."""

from __future__ import annotations

import bisect
from collections.abc import Iterable


class Selection:
    """Selected paths, with parts separated by `/`; the root cannot be selected. A path inside another one is dropped.

    A lookup takes logarithmic time in the number of paths.
    """

    def __init__(self, paths: Iterable[bytes]) -> None:
        self._keys: list[bytes] = []
        for key in sorted(map(_key, paths)):
            if not self._keys or not _is_inside(key, self._keys[-1]):
                self._keys.append(key)

    @property
    def paths(self) -> list[bytes]:
        """Return the outermost selected paths."""
        return [key.replace(b"\0", b"/") for key in self._keys]

    def takes(self, path: bytes) -> bool:
        """Return whether the path is selected, or lies below a selected path."""
        key = _key(path)
        place = bisect.bisect_right(self._keys, key)
        return place > 0 and _is_inside(key, self._keys[place - 1])

    def leads(self, path: bytes) -> bool:
        """Return whether a selected path lies below the path."""
        start = _key(path) + b"\0"
        place = bisect.bisect_left(self._keys, start)
        return place < len(self._keys) and self._keys[place].startswith(start)

    def wants(self, path: bytes, *, folder: bool) -> bool:
        """Return whether the entry at the path is selected, or is a folder above a selected path."""
        return self.takes(path) or (folder and self.leads(path))


def _key(path: bytes) -> bytes:
    # No name holds a NUL, and no byte sorts before it: the paths below a path follow it at once.
    return path.replace(b"/", b"\0")


def _is_inside(key: bytes, of: bytes) -> bool:
    return key == of or key.startswith(of + b"\0")
