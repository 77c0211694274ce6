"""Storages whose deleted files wait until a running backup has read them.

A backup fixes the database first and reads the files afterwards. If the application deletes a file in between, the
database of that backup names a file that the backup does not have. With this mixin `delete` moves the file into a
hidden folder of the storage while a backup runs: the application no longer sees it, the backup reads it there, and
removes it at its end.

`.backup-held/<job>/` mirrors the tree of the storage. The job holds a lock on the marker in it; a marker without that
lock belongs to a dead job, and holds nothing. Each `delete` takes a shared lock on the folder `.backup-held` itself.
So a job knows, after it has made its marker, when every deletion that has not seen the marker is over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from django.core.files.storage import FileSystemStorage

from .core.file_locks import lock_within

FOLDER: Final = ".backup-held"
MARKER: Final = ".running"
_DELETE_PATIENCE: Final = 5.0
"""Seconds that a delete waits for a job that is just beginning."""
_JOB_PATIENCE: Final = 30.0
"""Seconds that a job waits for deletes in progress. After that nothing is held, which a note says."""
_LOCK_PAUSE: Final = 0.01


class DeferredDeletes(FileSystemStorage):
    """A mixin for storages on a local file system: `class Mine(DeferredDeletes, MyStorage)`. Also usable by itself."""

    def delete(self, name: str) -> None:
        """Delete the file; while a backup runs, move it into the folder of the backup."""
        location, path = Path(os.path.realpath(self.location)), Path(self.path(name)) if name else None
        with _delete_in_progress(location):
            # Without running jobs, too: the lock is kept until the file is gone.
            if path is None or not path.is_file() or path.is_symlink() or not _move_to_jobs(location, path):
                super().delete(name)


@contextlib.contextmanager
def _delete_in_progress(location: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        # No such folder: no backup has run yet.
        with contextlib.suppress(OSError):
            gate = os.open(location / FOLDER, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, gate)
            # A job that is suspended while it holds the lock must not keep the application waiting.
            lock_within(gate, fcntl.LOCK_SH, seconds=_DELETE_PATIENCE, pause=_LOCK_PAUSE)
        yield


def _move_to_jobs(location: Path, path: Path) -> bool:
    """Move a file into the folder of every running job; False if no job runs, or if the file cannot be moved."""
    holders = [one for one in _holders(location) if _is_running(one)]
    real = Path(os.path.realpath(path.parent)) / path.name
    if not holders or not real.is_relative_to(location):
        return False
    targets = [holder / real.relative_to(location) for holder in holders]
    try:
        # A job that already holds a file of that name holds the one from its beginning.
        wanted = [target for target in targets if not os.path.lexists(target)]
        for target in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
        for target in wanted[:-1]:
            os.link(real, target)
        if wanted:
            real.rename(wanted[-1])
    except OSError:
        # The application's delete must not fail because of a backup; the job names the files that it misses.
        return False
    return bool(wanted)


def _holders(location: Path) -> list[Path]:
    try:
        return [one for one in (location / FOLDER).iterdir() if one.is_dir()]
    except OSError:
        return []


def _is_running(holder: Path) -> bool:
    try:
        descriptor = os.open(holder / MARKER, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


class Held:
    """The files that were deleted while a job runs. It satisfies the engine's protocol `DeletedFiles`."""

    def __init__(self) -> None:
        self._places: dict[bytes, bytes] = {}
        self._linked: set[bytes] = set()
        self.notes: list[str] = []

    def add(self, location: Path, holder: Path, *, by_links: bool = False) -> None:
        """Add a storage and the folder that mirrors it.

        `by_links`: the folder holds hard links of files that may be deleted later, not deleted files.
        """
        self._places[os.fsencode(location)] = os.fsencode(holder)
        if by_links:
            self._linked.add(os.fsencode(location))

    def is_linked(self, path: bytes) -> bool:
        """Return whether the held file may have been deleted before the consistency point, or not at all."""
        return any(path == location or path.startswith(location + b"/") for location in self._linked)

    def names(self, folder: bytes) -> Iterable[bytes]:
        """Return the kept files of a folder."""
        found = self._mirrored(folder)
        try:
            return [] if found is None else [name for name in os.listdir(found) if name != os.fsencode(MARKER)]
        except OSError:
            return []

    def find(self, path: bytes) -> bytes | None:
        """Return the path at which the file or folder is held, or None."""
        found = self._mirrored(path)
        return found if found is not None and os.path.lexists(found) else None

    def _mirrored(self, path: bytes) -> bytes | None:
        for location, holder in self._places.items():
            if path == location or path.startswith(location + b"/"):
                return holder + path[len(location) :]
        return None


@contextlib.contextmanager
def hold_deletes(locations: Iterable[Path], job: uuid.UUID) -> Iterator[Held]:
    """Keep the deleted files of the storages at these places until the block is left; then remove them.

    Leftovers of dead jobs are removed first. A storage that is not writable keeps nothing; a note says so.
    """
    held = Held()
    with contextlib.ExitStack() as stack:
        for location in locations:
            try:
                holder = stack.enter_context(holding(location, job))
            except OSError as error:
                held.notes.append(f"files deleted from {location} meanwhile are not held for the backup: {error}")
            else:
                held.add(location, holder)
        yield held


@contextlib.contextmanager
def holding(location: Path, job: uuid.UUID) -> Iterator[Path]:
    """Make a folder for the held files of a storage, until the block is left. Raises `OSError` if that fails."""
    folder = location / FOLDER
    _make(folder, like=location)
    with contextlib.closing(_Lock(folder, os.O_RDONLY | os.O_DIRECTORY)):
        # No delete runs while this lock is held.
        remove_dead(location)
        holder = folder / str(job)
        _make(holder, like=location)
        marker = _Lock(holder / MARKER, os.O_RDWR | os.O_CREAT)
    try:
        yield holder
    finally:
        # From here on the application deletes files at once.
        marker.close()
        shutil.rmtree(holder, ignore_errors=True)


def remove_dead(location: Path) -> None:
    """Remove the held files of killed jobs."""
    for one in _holders(location):
        if not _is_running(one):
            shutil.rmtree(one, ignore_errors=True)


class _Lock:
    def __init__(self, path: Path, flags: int) -> None:
        self._descriptor = os.open(path, flags, 0o644)
        try:
            lock_within(self._descriptor, fcntl.LOCK_EX, seconds=_JOB_PATIENCE, pause=_LOCK_PAUSE)
        except OSError:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        os.close(self._descriptor)


def _make(folder: Path, *, like: Path) -> None:
    """Make a folder with the mode of `like`; as root also with its owner and group."""
    folder.mkdir(exist_ok=True)
    status = like.stat()
    folder.chmod(status.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.chown(folder, status.st_uid, status.st_gid)
