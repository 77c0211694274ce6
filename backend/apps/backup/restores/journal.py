"""What a restore is about to do, on the disk before it is done.

One file per restore in `<BACKUP_STORAGE_ROOT>/restores`. It is replaced as a whole and forced to the disk before every
step, so that after a kill at any moment it tells what has been begun. The states:

    staging      things are being put beside the live ones; undone by removing them
    swapping     everything is staged and verified; completed by going on
    undoing      a step failed; the old things are being put back
    swapped      the new things are live, the old ones are kept
    finished     the ledger knows of it too
    rolling-back, rolled-back        the old things are being put back, are live again
    releasing, released              the old things are being deleted, are gone
    undone       nothing came of it, nothing is left of it
"""

from __future__ import annotations

import contextlib
import datetime
import enum
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from .. import conf
from ..holding import FOLDER
from ..storage import make_private_folder
from .changed import Baseline, Changes
from .errors import JournalUnwritable, RestoreRefused

_LOCK: Final = ".lock"


class State(enum.StrEnum):
    """How far a restore is; see the module's text."""

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
"""In these, a part of what is live may be new and another part old."""
KEPT: Final = frozenset({State.SWAPPED, State.FINISHED})


class Kind(enum.StrEnum):
    """What sort of thing is swapped."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    """A database of MariaDB or MySQL."""
    FOLDER = "folder"
    CONTENTS = "contents"
    """The contents of a folder that itself cannot be renamed, such as a mounted volume."""


DATABASES: Final = frozenset({Kind.SQLITE, Kind.POSTGRESQL, Kind.MYSQL})


class TableTrigger(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A trigger that must be made again after its table has been moved; `old` tables are those that were replaced."""

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
    """One thing that is swapped: paths, or names of databases. `step` is the mover's own mark of how far it is.

    `aside` are paths of what was not there before and came to be at the live place in the middle of the swap. `stays`
    are tables of a database of MariaDB or MySQL that are not swapped: nothing of what is restored takes their place.
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
    restore: uuid.UUID
    backup: str
    backup_job: uuid.UUID | None
    restore_type: str
    state: State
    created_at: datetime.datetime
    components: list[Component] = []
    carried_ledger: bool = False
    is_trial: bool = False
    """A plan tries what a restore would do; whatever it has made is removed, and so is its journal."""
    plan: dict[str, object] = {}
    baseline: Baseline | None = None
    """What the backup of the live state holds, until the replaced state has been compared with it."""
    changes: Changes | None = None
    """What was written after that backup; None where nothing was compared."""

    @property
    def path(self) -> Path:
        return folder() / f"{self.restore}.json"

    def save(self) -> None:
        """Replace the file and force it to the disk before returning. Raises `JournalUnwritable`."""
        target = self.path
        temporary = target.with_suffix(".new")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                # All of it or an error: on a disk that fills up, a bare write may store a part and say nothing.
                file.write(msgspec.json.format(msgspec.json.encode(self), indent=1))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise JournalUnwritable(
                f"The journal {target} of the restore cannot be written: {error.strerror}. Make room there, or mend"
                " what is wrong; `restore_backup --list` then completes or undoes what was begun."
            ) from error

    def forget(self) -> None:
        """Remove the file: nothing came of it, and nothing needs to be known of it."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)

    def enter(self, state: State) -> None:
        """Change the state, on the disk first."""
        self.state = state
        self.save()


def folder() -> Path:
    """Where journals lie; it may not exist yet."""
    return conf.load().storage_root.resolve() / FOLDER


def sync_folder(path: Path) -> None:
    """Force names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def journals() -> list[Journal]:
    """Every restore there is a journal of, oldest first; raises `RestoreRefused` for one that cannot be read."""
    found = []
    for path in folder().glob("*.json"):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Journal))
        except (OSError, msgspec.DecodeError) as error:
            raise RestoreRefused(
                f"The journal {path} cannot be read ({error}); it belongs to a restore. Repair it, or move it away"
                " after checking that database and files are what they should be."
            ) from error
    return sorted(found, key=lambda journal: journal.created_at)


def interrupted() -> list[Journal]:
    """Return restores that were begun and neither completed nor undone, while no process works on them."""
    return _abandoned(UNFINISHED)


def mixed() -> list[Journal]:
    """Return those of them that may have left a part of the live system new and another part old."""
    return _abandoned(MIXED)


def _abandoned(states: frozenset[State]) -> list[Journal]:
    if not any(journal.state in states for journal in journals()):
        return []
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(exclusive())
        except RestoreRefused:
            return []
        return [journal for journal in journals() if journal.state in states]


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Be the only restore on this storage; the lock ends with the process. Raises `RestoreRefused` if there is one."""
    base = folder()
    make_private_folder(base)
    descriptor = os.open(base / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RestoreRefused("Another restore is at work; wait until it has ended.") from error
        yield
    finally:
        os.close(descriptor)
