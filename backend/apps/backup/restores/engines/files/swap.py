"""Swap files on the disk: an SQLite database, a folder, or the contents of a folder that cannot be renamed.

Each function can be repeated after a kill and continues where it was. `mark` writes a step to the journal before it is
taken. Nothing is overwritten: a file that appears at the live place in the middle of a swap is moved aside, to a name
in the journal.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from strongroom.long_paths import remove_tree

from ....sources.engines.sqlite.online_copy import checkpoint_log, has_no_tables
from ....sources.files import RESTORE_MARK
from ...journal import Component, Kind, sync_folder

Mark = Callable[[str], None]

OLD_AWAY: Final = "old-away"
NEW_IN: Final = "new-in"
NEW_OUT: Final = "new-out"
OLD_BACK: Final = "old-back"
DONE: Final = "done"


def _exists(path: Path) -> bool:
    return os.path.lexists(path)


def _rename(source: Path, target: Path) -> None:
    source.rename(target)
    sync_folder(target.parent)


def _set_aside(component: Component, path: Path, mark: Mark) -> None:
    """Keep a file that appeared at the live place during the swap, under a name of its own."""
    number = 1
    while _exists(aside := path.with_name(f".{path.name}{RESTORE_MARK}aside-{number}")):
        number += 1
    component.aside.append(str(aside))
    mark(component.step)
    _rename(path, aside)


def _clear(component: Component, mark: Mark, sides: tuple[str, ...]) -> None:
    """Clear the live place of files that appeared there during the swap.

    A program that connects to an SQLite database in that instant creates a file: without tables, it is deleted.
    """
    live = Path(component.live)
    if component.kind is Kind.SQLITE and has_no_tables(live):
        discard(component.live, sides=sides)
    for path in (live, *(Path(component.live + suffix) for suffix in sides)):
        if component.kind is Kind.SQLITE and path != live and _holds_no_rows(path):
            path.unlink(missing_ok=True)
        elif _exists(path):
            _set_aside(component, path, mark)


def _holds_no_rows(side: Path) -> bool:
    """Return whether a side file of a database has none of its rows: it is an index into the log, or an empty log."""
    return side.name.endswith("-shm") or (side.is_file() and side.stat().st_size == 0)


def _move_sides(from_path: str, to_path: str, sides: tuple[str, ...]) -> None:
    for suffix in sides:
        if _exists(side := Path(from_path + suffix)) and not _exists(target := Path(to_path + suffix)):
            _rename(side, target)


def forward_path(component: Component, mark: Mark, *, sides: tuple[str, ...] = ()) -> None:
    """Move live → kept and staged → live, for a file or a folder; `sides` are suffixes of its side files."""
    live, staged, kept = Path(component.live), Path(component.staged), Path(component.kept)
    if component.step in {"", OLD_AWAY}:
        mark(OLD_AWAY)
        if component.had_live and not _exists(kept):
            if component.kind is Kind.SQLITE:
                checkpoint_log(live)
            _move_sides(component.live, component.kept, sides)
            _rename(live, kept)
            if not _exists(live):
                # A program has opened the old file since its side files were moved: these belong to the old file, too.
                _move_sides(component.live, component.kept, sides)
        mark(NEW_IN)
    if component.step == NEW_IN and _exists(staged):
        _clear(component, mark, sides)
        _rename(staged, live)
    mark(DONE)


def backward_path(component: Component, mark: Mark, *, sides: tuple[str, ...] = ()) -> None:
    """Move live → staged and kept → live: the new file or folder lies at the staged place again afterwards."""
    live, staged, kept = Path(component.live), Path(component.staged), Path(component.kept)
    begun = component.step != ""
    if component.step in {OLD_AWAY, NEW_IN, DONE, NEW_OUT}:
        mark(NEW_OUT)
        old_is_away = _exists(kept) or not component.had_live
        if old_is_away and _exists(live):
            if _exists(staged):
                _clear(component, mark, sides)
            else:
                for suffix in sides:
                    if _exists(side := Path(component.live + suffix)):
                        _rename(side, Path(component.staged + suffix))
                _rename(live, staged)
        mark(OLD_BACK)
    if begun and _exists(kept):
        if component.kind is Kind.SQLITE:
            checkpoint_log(kept)
        _clear(component, mark, sides)
        _rename(kept, live)
    if begun:
        for suffix in sides:
            if _exists(side := Path(component.kept + suffix)):
                _rename(side, Path(component.live + suffix))
    mark("")


def discard(path: str, *, sides: tuple[str, ...] = ()) -> None:
    """Delete a file or folder, with its side files, if it exists."""
    target = Path(path)
    if target.is_dir() and not target.is_symlink():
        remove_tree(os.fsencode(target))
    else:
        for suffix in (*sides, ""):
            Path(path + suffix).unlink(missing_ok=True)


def forward_contents(component: Component, mark: Mark) -> None:
    """Move the contents of the live folder, except paths that stay, to the kept one, and the staged ones into it."""
    live, staged, kept = Path(component.live), Path(component.staged), Path(component.kept)
    if component.step in {"", OLD_AWAY}:
        mark(OLD_AWAY)
        kept.mkdir(mode=0o700, exist_ok=True)
        _move_contents(component, live, kept, mark)
        mark(NEW_IN)
    if component.step == NEW_IN and staged.is_dir():
        _move_contents(component, staged, live, mark)
        if not component.had_live:
            _copy_mode_and_owner(live, staged)
        staged.rmdir()
    if not component.had_live:
        _remove_empty(kept)
    mark(DONE)


def backward_contents(component: Component, mark: Mark) -> None:
    """Move the contents of the live folder, except paths that stay, to the staged one, and the kept ones into it."""
    live, staged, kept = Path(component.live), Path(component.staged), Path(component.kept)
    if component.step in {NEW_IN, DONE, NEW_OUT}:
        mark(NEW_OUT)
        staged.mkdir(mode=0o700, exist_ok=True)
        _move_contents(component, live, staged, mark)
        mark(OLD_BACK)
    if component.step in {OLD_AWAY, OLD_BACK} and kept.is_dir():
        mark(OLD_BACK)
        _move_contents(component, kept, live, mark)
        kept.rmdir()
    mark("")


def _move_contents(component: Component, source: Path, target: Path, mark: Mark, inside: str = "") -> None:
    """Move the contents of `source`, the folder `inside` of the component, except paths that stay."""
    for child in sorted(source.iterdir()):
        path = f"{inside}{child.name}"
        if RESTORE_MARK in child.name or path in component.stays:
            continue
        place = target / child.name
        if any(stay.startswith(f"{path}/") for stay in component.stays) and is_folder(child):
            _move_around(component, child, place, mark, f"{path}/")
            continue
        if _exists(place):
            _set_aside(component, place, mark)
        child.rename(place)
    sync_folder(source)
    sync_folder(target)


def _move_around(component: Component, source: Path, target: Path, mark: Mark, inside: str) -> None:
    """Move the contents of a folder with paths that stay; its mode and owner are copied."""
    if not is_folder(target):
        if _exists(target):
            _set_aside(component, target, mark)
        target.mkdir(mode=0o700)
    _copy_mode_and_owner(target, source)
    _move_contents(component, source, target, mark, inside)
    if source != Path(component.live, inside):
        source.rmdir()


def _remove_empty(folder: Path) -> None:
    """Remove empty folders: if there was no live folder, only files that appeared in the meantime are kept."""
    for path, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(path).rmdir()


def _copy_mode_and_owner(target: Path, source: Path) -> None:
    status = source.stat()
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid)
    target.chmod(status.st_mode & 0o7777)


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder itself, not a link to one."""
    return path.is_dir() and not path.is_symlink()
