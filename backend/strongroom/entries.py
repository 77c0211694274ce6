"""The entries to archive: streams, folders made of other entries, and paths on a disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from strongroom.streams import Reader


@dataclasses.dataclass(frozen=True, slots=True)
class Stream:
    """A file whose content comes from a stream, such as a database dump.

    `open` is called once, when the archiver reaches the entry. A reader that raises ends the archive: half a dump is
    no backup.
    """

    name: bytes
    open: Callable[[], Reader]
    mode: int = 0o600
    mtime_ns: int | None = None
    """Nanoseconds since the epoch; by default the start of the archive."""


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    """A folder that exists only in the snapshot. Its entries are archived in the given order."""

    name: bytes
    entries: Iterable[Entry]
    mode: int = 0o700
    mtime_ns: int | None = None


class DeletedFiles(Protocol):
    """Keeps files that are deleted from a tree while it is read. Called from any thread."""

    def names(self, folder: bytes) -> Iterable[bytes]:
        """Return the kept names in a folder of the tree: files, and folders with kept files below them."""
        ...

    def find(self, path: bytes) -> bytes | None:
        """Return the current path of the file or folder that was at `path`; None if it is not kept."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class OnDisk:
    """A file, folder, link or device on a disk, with everything below it. `name` is its name in the snapshot.

    `exclude` is called with the full path of each entry below `path`, before the entry is read. An entry that cannot be
    read becomes a problem in the result, and the archive continues. A file that was deleted is taken from `refuge`, or
    from the parent snapshot if `recall` returns True for its path. Packages have no parent.
    """

    name: bytes
    path: bytes
    exclude: Callable[[bytes], bool] | None = None
    refuge: DeletedFiles | None = None
    recall: Callable[[bytes], bool] | None = None


Entry: TypeAlias = Stream | Folder | OnDisk


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """A path that could not be stored completely, and the reason. `vanished` if it was deleted after it was listed."""

    path: bytes
    reason: str
    vanished: bool = False
