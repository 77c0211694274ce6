"""The journal of a restore: each step is written to disk before it is taken.

Each restore has one file in `<BACKUP_STORAGE_ROOT>/restores`. It is replaced as a whole and forced to the disk before
each step, so that it names the step that had begun when a process was killed. If the storage cannot be written, the
file goes to the fallback folder (`storage.fallback`); of two files of one restore, the higher revision counts. States:

    staging      components are being put beside the live ones; undone by removing them
    swapping     all components are staged and verified; completed by continuing
    undoing      a step failed; the old components are being put back
    swapped      the new components are live, the old ones are kept
    finished     the catalogue has the result, too
    rolling-back, rolled-back        the old components are being put back, are live again
    releasing, released              the old components are being deleted, are gone
    undone       the restore was undone, and nothing of it is left
"""

from __future__ import annotations

import contextlib
import datetime
import enum
import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from .. import conf
from ..core.application_hold import FOLDER
from ..errors import JournalUnwritable, RestoreRefused, StorageRefused
from ..storage.fallback import fallback_folder, is_private, make_fallback
from ..storage.private_files import make_private_folder
from .changes import Baseline, Changes

_LOCK: Final = ".lock"


class State(enum.StrEnum):
    """The progress of a restore; see the docstring of the module."""

    STAGING = "staging"
    SWAPPING = "swapping"
    UNDOING = "undoing"
    SWAPPED = "swapped"
    FINISHED = "finished"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    RELEASING = "releasing"
    RELEASED = "released"
    UNDONE = "undone"


UNFINISHED: Final = frozenset(
    {State.STAGING, State.SWAPPING, State.UNDOING, State.SWAPPED, State.ROLLING_BACK, State.RELEASING}
)
MIXED: Final = frozenset({State.SWAPPING, State.UNDOING, State.ROLLING_BACK})
"""States in which a part of the live system may be new and another part old."""
KEPT: Final = frozenset({State.SWAPPED, State.FINISHED})


class Kind(enum.StrEnum):
    """The kind of a component that is swapped."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    """A database of MariaDB or MySQL."""
    FOLDER = "folder"
    CONTENTS = "contents"
    """The contents of a folder that itself cannot be renamed: a mounted volume, or one with a live database in it."""


DATABASES: Final = frozenset({Kind.SQLITE, Kind.POSTGRESQL, Kind.MYSQL})


class TableTrigger(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A trigger to be created again after its table was moved; `old` says that its table was replaced."""

    old: bool
    table: str
    name: str
    timing: str
    event: str
    body: str
    definer: str
    sql_mode: str
    collation: str


class Component(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A database or folder that is swapped, by names or paths. `step` is the engine's own mark of its progress.

    `aside` are paths of files that appeared at the live place in the middle of the swap and were moved away. `stays`
    are parts that are not swapped: live tables that the backup does not have, or paths in a folder whose contents are
    swapped.
    """

    kind: Kind
    name: str
    live: str
    staged: str
    kept: str
    had_live: bool
    step: str = ""
    triggers: list[TableTrigger] = []
    aside: list[str] = []
    stays: list[str] = []


class Journal(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One restore."""

    format: int = 1
    revision: int = 0
    """The number of times that the journal was written."""
    restore: uuid.UUID
    backup: str
    backup_job: uuid.UUID | None
    restore_type: str
    state: State
    created_at: datetime.datetime
    components: list[Component] = []
    carried_ledger: bool = False
    is_trial: bool = False
    """Whether it is the trial of a plan: all that it creates is removed, and so is its journal."""
    plan: dict[str, object] = {}
    baseline: Baseline | None = None
    """The contents of the backup of the live state, until the replaced state has been compared with it."""
    changes: Changes | None = None
    """Changes after that backup; None if nothing was compared."""

    @property
    def kept(self) -> list[str]:
        """Return the paths and databases that it replaced, as long as a rollback can bring them back."""
        return [part.kept for part in self.components if part.had_live] if self.state in KEPT else []

    @property
    def path(self) -> Path:
        return folder() / f"{self.restore}.json"

    @property
    def spare(self) -> Path:
        """The file in the fallback folder, for a storage that cannot be written to."""
        return fallback_folder(FOLDER) / f"{self.restore}.json"

    def save(self) -> None:
        """Replace the file and force it to the disk before returning. Raises `JournalUnwritable`."""
        self.revision += 1
        try:
            self._write(self.path)
        except OSError as error:
            self._save_elsewhere(error)
        else:
            self._forget_spare()

    def _save_elsewhere(self, refused: OSError) -> None:
        try:
            make_fallback(FOLDER)
            self._write(self.spare)
        except (OSError, StorageRefused) as error:
            raise JournalUnwritable(
                f"The journal {self.path} of the restore cannot be written: {refused.strerror}. The fallback"
                f" {self.spare} cannot be written either: {error}. Make room there, or mend what is wrong;"
                " `restore_backup --list` then completes or undoes what was begun."
            ) from refused

    def _forget_spare(self) -> None:
        if is_private(self.spare.parent):
            self.spare.unlink(missing_ok=True)

    def _write(self, target: Path) -> None:
        temporary = target.with_suffix(".new")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                # All of it or an error: on a disk that gets full, a plain write may store only a part without an error.
                file.write(msgspec.json.format(msgspec.json.encode(self), indent=1))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
            sync_folder(target.parent)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def forget(self) -> None:
        """Remove the file of a restore that has changed nothing."""
        self._forget_spare()
        if self.path.exists():
            self.path.unlink(missing_ok=True)
            sync_folder(self.path.parent)

    def enter(self, state: State) -> None:
        """Change the state, on the disk first."""
        self.state = state
        self.save()


def folder() -> Path:
    """Return the folder of the journals. It may not exist yet."""
    return conf.load().storage_root.resolve() / FOLDER


def folders() -> list[Path]:
    """Return the existing folders of journals: that of the storage, and the fallback if it is private to this user."""
    spare = fallback_folder(FOLDER)
    return [*([folder()] if folder().is_dir() else []), *([spare] if is_private(spare) else [])]


def sync_folder(path: Path) -> None:
    """Force the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def journals() -> list[Journal]:
    """Return all journals, the oldest first. Raises `RestoreRefused` for one that cannot be read."""
    found: dict[uuid.UUID, Journal] = {}
    for path in (path for place in folders() for path in place.glob("*.json")):
        try:
            journal = msgspec.json.decode(path.read_bytes(), type=Journal)
            if journal.restore not in found or found[journal.restore].revision < journal.revision:
                found[journal.restore] = journal
        except (OSError, msgspec.DecodeError) as error:
            raise RestoreRefused(
                f"The journal {path} cannot be read ({error}); it belongs to a restore. Repair it, or move it away"
                " after checking that database and files are what they should be."
            ) from error
    return sorted(found.values(), key=lambda journal: journal.created_at)


def interrupted_restores() -> list[Journal]:
    """Return restores that were neither completed nor undone, and on which no process works."""
    return _abandoned(UNFINISHED)


def mixed_restores() -> list[Journal]:
    """Return the interrupted restores after which a part of the live system may be new and another part old."""
    return _abandoned(MIXED)


def _abandoned(states: frozenset[State]) -> list[Journal]:
    if not any(journal.state in states for journal in journals()):
        return []
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(only_restore())
        except RestoreRefused:
            return []
        return [journal for journal in journals() if journal.state in states]


@contextlib.contextmanager
def only_restore() -> Iterator[None]:
    """Hold the lock for the only restore on this storage; it ends with the process.

    Raises `RestoreRefused` if another restore holds it.
    """
    with contextlib.ExitStack() as held:
        spare = fallback_folder(FOLDER)
        locked = _lock(held, folder(), make_private_folder)
        if locked and not is_private(spare):
            yield
            return
        # Another restore may have begun in the fallback folder while the storage could not be written.
        if not _lock(held, spare, lambda _folder: make_fallback(FOLDER)):
            raise RestoreRefused(
                f"Neither {folder()} nor {spare} can be written, where a restore notes what it does. Make room there,"
                " or set BACKUP_FALLBACK_ROOT to a folder that can be written."
            )
        yield


def forget_lock(base: Path) -> None:
    """Remove the lock file of a folder of journals, unless another restore holds it."""
    with contextlib.ExitStack() as held, contextlib.suppress(OSError, RestoreRefused):
        if _lock(held, base, lambda _folder: None):
            (base / _LOCK).unlink()


def _lock(held: contextlib.ExitStack, base: Path, make: Callable[[Path], object]) -> bool:
    """Lock a folder of journals until `held` ends; False if its lock file cannot be made. Raises `RestoreRefused`."""
    try:
        make(base)
        descriptor = os.open(base / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except (OSError, StorageRefused):
        try:
            # On a storage that has become read-only, a process may still hold the lock.
            descriptor = os.open(base / _LOCK, os.O_RDONLY)
        except OSError:
            return False
    held.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RestoreRefused("Another restore is at work; wait until it has ended.") from error
    return True
