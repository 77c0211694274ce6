"""Some paths of a backup, each with everything below it."""

from __future__ import annotations

import bisect
from collections.abc import Iterable


class Selection:
    """Paths, parts separated by `/`, of which none is the root. One inside of another is no further one.

    Asking takes as many steps as the number of paths has digits, and as much memory as they are long.
    """

    def __init__(self, paths: Iterable[bytes]) -> None:
        self._keys: list[bytes] = []
        for key in sorted(map(_key, paths)):
            if not self._keys or not _is_inside(key, self._keys[-1]):
                self._keys.append(key)

    @property
    def paths(self) -> list[bytes]:
        """The outermost ones."""
        return [key.replace(b"\0", b"/") for key in self._keys]

    def takes(self, path: bytes) -> bool:
        """Whether a path is one of them, or below one."""
        key = _key(path)
        place = bisect.bisect_right(self._keys, key)
        return place > 0 and _is_inside(key, self._keys[place - 1])

    def leads(self, path: bytes) -> bool:
        """Whether one of them is below a path."""
        start = _key(path) + b"\0"
        place = bisect.bisect_left(self._keys, start)
        return place < len(self._keys) and self._keys[place].startswith(start)

    def wants(self, path: bytes, *, folder: bool) -> bool:
        """Whether what lies at a path is taken, or is a folder on the way to what is."""
        return self.takes(path) or (folder and self.leads(path))


def _key(path: bytes) -> bytes:
    # No name holds a NUL, and nothing sorts before it: what is below a path follows it at once.
    return path.replace(b"/", b"\0")


def _is_inside(key: bytes, of: bytes) -> bool:
    return key == of or key.startswith(of + b"\0")
