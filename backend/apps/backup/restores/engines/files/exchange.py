"""Exchange two folders in one step of the file system, which after a kill is either not begun or complete.

Names alone do not tell afterwards which folder is which: the new one has an extended attribute with the id of the
restore until the exchange is over. This needs `renameat2` with RENAME_EXCHANGE and extended attributes: Linux, on local
disks. Other file systems swap a folder by two renames, with a step of the journal before each.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ....core.exchange import exchange_names
from ....sources.files import RESTORE_MARK
from ...journal import Component, Kind, sync_folder
from .swap import DONE

FORWARD: Final = "exchange"
BACK: Final = "exchange-back"
STEPS: Final = frozenset({FORWARD, BACK})

_ATTRIBUTE: Final = "user.edms_backup.restored"


def prepare_forward(component: Component, restore: uuid.UUID) -> None:
    """Prepare the exchange of a staged folder with the live one, if the file system can do it."""
    if component.kind is Kind.FOLDER and component.step == "" and component.had_live:
        _prepare(component, new=Path(component.staged), old=Path(component.live), restore=restore, step=FORWARD)


def prepare_back(component: Component, restore: uuid.UUID) -> None:
    """Prepare the exchange of a swapped folder with the kept one, if the file system can do it."""
    if component.kind is Kind.FOLDER and component.step == DONE and component.had_live:
        _prepare(component, new=Path(component.live), old=Path(component.kept), restore=restore, step=BACK)


def _prepare(component: Component, *, new: Path, old: Path, restore: uuid.UUID, step: str) -> None:
    if new.is_symlink() or old.is_symlink() or not (new.is_dir() and old.is_dir()) or not _can_exchange(old.parent):
        return
    # A file system without such attributes uses two renames.
    with contextlib.suppress(OSError):
        os.setxattr(new, _ATTRIBUTE, str(restore).encode())
        component.step = step


def cancel_back(component: Component) -> None:
    """Undo the preparation of `prepare_back`; nothing was exchanged."""
    if component.step == BACK:
        _unmark(Path(component.live))
        component.step = DONE


def forward(components: Sequence[Component], restore: uuid.UUID, mark: Callable[[Component, str], None]) -> None:
    """Make the staged folders live and keep the old ones. Safe to repeat after a kill.

    All folders are exchanged before any other work, so that a kill leaves as little as possible half done.
    """
    for one in components:
        if os.path.lexists(one.staged) and not _is_new(Path(one.live), restore):
            exchange_names(Path(one.staged), Path(one.live))
    for one in components:
        if os.path.lexists(one.staged):
            Path(one.staged).rename(one.kept)
        sync_folder(Path(one.live).parent)
        _unmark(Path(one.live))
        mark(one, DONE)


def backward(components: Sequence[Component], restore: uuid.UUID, mark: Callable[[Component, str], None]) -> None:
    """Make the old folders live again; the new ones go back to their staged places. Safe to repeat after a kill."""
    for one in components:
        if _is_new(Path(one.live), restore):
            exchange_names(_place_not_live(one), Path(one.live))
    for one in components:
        if os.path.lexists(other := _place_not_live(one)):
            other.rename(one.staged)
            sync_folder(other.parent)
            _unmark(Path(one.staged))
        mark(one, "")


def _place_not_live(component: Component) -> Path:
    """Return the place of the folder that is not live: the staged place before a swap, the kept one after it."""
    return Path(component.staged if os.path.lexists(component.staged) else component.kept)


def _is_new(folder: Path, restore: uuid.UUID) -> bool:
    try:
        return os.getxattr(folder, _ATTRIBUTE) == str(restore).encode()
    except OSError as error:
        if error.errno == errno.ENODATA:
            return False
        raise


def _unmark(folder: Path) -> None:
    try:
        os.removexattr(folder, _ATTRIBUTE)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise


def _can_exchange(folder: Path) -> bool:
    """Return whether an exchange of two empty folders works."""
    # The names are fixed, so that the next restore finds folders that a kill leaves.
    one, other = folder / f"{RESTORE_MARK}try.a", folder / f"{RESTORE_MARK}try.b"
    try:
        one.mkdir(mode=0o700, exist_ok=True)
        other.mkdir(mode=0o700, exist_ok=True)
        exchange_names(one, other)
    except OSError:
        return False
    finally:
        for path in (one, other):
            with contextlib.suppress(FileNotFoundError):
                path.rmdir()
    return True
