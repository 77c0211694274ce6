"""What is handed over to be stored: streams, folders made of other entries, and what lies on a disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from strongroom.streams import Reader


@dataclasses.dataclass(frozen=True, slots=True)
class Stream:
    """A file whose content comes from a stream, such as a database dump.

    `open` is called once, when its turn comes. A reader that raises ends the archive: half a dump is no backup.
    """

    name: bytes
    open: Callable[[], Reader]
    mode: int = 0o600
    mtime_ns: int | None = None
    """Nanoseconds since the epoch; the time of the archive when not given."""


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    """A folder that exists only in the snapshot and holds the entries given, handled in their order."""

    name: bytes
    entries: Iterable[Entry]
    mode: int = 0o700
    mtime_ns: int | None = None


class Refuge(Protocol):
    """Keeps files that are deleted from a tree while it is read. Called from any thread."""

    def names(self, folder: bytes) -> Iterable[bytes]:
        """Return what it keeps of a folder of the tree: names of files, and of folders with kept files below them."""
        ...

    def find(self, path: bytes) -> bytes | None:
        """Return where the file or folder that was at `path` lies now; None if it is not kept."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class OnDisk:
    """A file, folder, link or device on a disk, with everything below it, under another name if wished.

    `exclude` is asked with the full path of everything below `path`, before it is looked at. What cannot be read
    becomes a problem in the result, and the rest goes on. A file that is gone is taken from `refuge`, or else from the
    parent snapshot if `recall` says so, which is asked with its path. Packages have no parent.
    """

    name: bytes
    path: bytes
    exclude: Callable[[bytes], bool] | None = None
    refuge: Refuge | None = None
    recall: Callable[[bytes], bool] | None = None


Entry: TypeAlias = Stream | Folder | OnDisk


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """Something in scope that could not be stored as it should be; `vanished` if it was listed, and then gone."""

    path: bytes
    reason: str
    vanished: bool = False
