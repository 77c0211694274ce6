"""The folder that a restore writes into."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator

from strongroom.errors import OUT_OF_SPACE, NoSpace, RestoreError, TargetDenied, TargetNotEmpty
from strongroom.format.tree import Node
from strongroom.long_paths import reachable
from strongroom.node_metadata import apply_metadata
from strongroom.restorer.result import RestoreProblem, RestoreResult


class Target:
    """The folder to restore into, with the result so far. Safe to use from several threads."""

    def __init__(self, place: bytes) -> None:
        self.place = place
        self.result = RestoreResult()
        self.current = b""
        self._guard = threading.Lock()

    def prepare(self) -> None:
        """Make the folder, or accept one that is empty. Raise TargetNotEmpty for any other."""
        try:
            os.makedirs(self.place, mode=0o700)
        except FileExistsError:
            if not os.path.isdir(self.place) or os.listdir(self.place):
                raise TargetNotEmpty(
                    f"{os.fsdecode(self.place)} is not an empty folder. Restore into a new or empty folder."
                    " Nothing was changed."
                ) from None

    def require_space(self, needed: int) -> None:
        """Raise NoSpace unless the file system has `needed` bytes free."""
        status = os.statvfs(self.place)
        free = status.f_bavail * status.f_frsize
        if needed > free:
            raise NoSpace(
                f"{os.fsdecode(self.place)} has {free:,} bytes free, but the restore needs {needed:,}."
                " Nothing was restored. Free space, or restore into another folder."
            )

    def translate(self, error: OSError) -> RestoreError:
        """Return the engine's error for an error of the file system."""
        where = os.fsdecode(error.filename if error.filename is not None else self.place)
        reason = f"Cannot write {where}: {error.strerror}."
        if error.errno in OUT_OF_SPACE:
            return NoSpace(f"{reason} The restore is incomplete. Free space and repeat it.")
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return TargetDenied(f"{reason} Restore into another folder, or as another user.")
        return RestoreError(f"Cannot restore {where}: {error.strerror}.")

    def reach(self, path: bytes) -> contextlib.AbstractContextManager[bytes]:
        """Return a context manager with a path that the system takes for `path` in the target."""
        return reachable(self._full(path))

    def create(self, path: bytes) -> int:
        """Create a file and return its descriptor. Never follow a link, never overwrite."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with self.reach(path) as place:
            return os.open(place, flags, 0o600)

    @contextlib.contextmanager
    def naming(self, path: bytes) -> Iterator[None]:
        """Add the path to an OSError in the block: operations on an open file fail without its name."""
        try:
            yield
        except OSError as error:
            error.filename = self._full(path)
            raise

    def finish(self, path: bytes, node: Node) -> None:
        """Apply the metadata of an entry."""
        with self.reach(path) as place:
            self.result.unapplied.extend(RestoreProblem(path, reason) for reason in apply_metadata(place, node))

    def finish_file(self, path: bytes, node: Node) -> None:
        """Apply the metadata of a file and count the file."""
        self.finish(path, node)
        with self._guard:
            self.result.files += 1
            self.result.bytes += node.size
            self.current = path

    def note_damage(self, path: bytes, reason: str) -> None:
        """Record that an entry cannot be restored."""
        self.result.damaged.append(RestoreProblem(path, reason))

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self.place, path)
