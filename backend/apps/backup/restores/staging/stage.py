"""Stage databases and folders beside the live ones. The journal names each before it is made, for recovery."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ...core.manifest import DataRecord
from ...core.mounts import is_mount
from ...errors import RestoreRefused
from ...sources.files import RESTORE_MARK, stays_inside
from ..backup_source import Origin, Progress
from ..engines.files.engine import paths_beside
from ..engines.files.swap import discard, is_folder
from ..engines.registry import database_engine, engine_of
from ..journal import DATABASES, Component, Journal, Kind
from . import rows as stage_portable
from .rows import Target


def announce(journal: Journal, component: Component) -> None:
    """Add a component to the journal before it is created."""
    journal.components.append(component)
    journal.save()


def announce_database(journal: Journal, alias: str) -> Component:
    """Add to the journal the database to be created beside the live one, and return its component."""
    component = engine_of(alias).component(alias, journal)
    announce(journal, component)
    return component


def folder_component(name: str, live: Path, ending: str) -> Component:
    """Return the component for a file root: a folder beside the root, or in it if it cannot be exchanged as a whole.

    The latter are mounts, and roots with paths that stay: a live database, or the backups. Such a root is created if it
    is missing.
    """
    stays = stays_inside(live)
    if not stays and not is_mount(live):
        live.parent.mkdir(parents=True, exist_ok=True)
        return paths_beside(Kind.FOLDER, name, live, live.with_name(f".{live.name}{ending}"))
    live.mkdir(parents=True, exist_ok=True)
    component = paths_beside(Kind.CONTENTS, name, live, live / ending)
    component.had_live = is_mount(live) or _was_there(live, [live / stay for stay in stays])
    component.stays = stays
    return component


def _was_there(folder: Path, stays: Sequence[Path]) -> bool:
    """Return whether a folder has entries besides a staged database, for which the folder may have been created."""
    for child in folder.iterdir():
        leads_on = is_folder(child) and any(child in stay.parents for stay in stays)
        if RESTORE_MARK not in child.name and (not leads_on or _was_there(child, stays)):
            return True
    return False


def remove_conflicts(component: Component) -> list[str]:
    """Remove staged entries that would take the place of paths that stay, and return notes for the user.

    Raises `RestoreRefused` if the backup has a file in place of a folder with paths that stay.
    """
    notes = []
    for stay in component.stays if component.kind is Kind.CONTENTS else []:
        staged = Path(component.staged)
        for folder in list(Path(stay).parents)[-2::-1]:
            if os.path.lexists(staged / folder) and not is_folder(staged / folder):
                raise RestoreRefused(
                    f"The backup has a file {folder} in {component.live}, where there is a folder now with {stay} in"
                    " it, which stays. Move that elsewhere, or restore with --to-folder. Nothing live was changed."
                )
        if os.path.lexists(staged / stay):
            discard(str(staged / stay))
            notes.append(f"{stay} of the backup was left out: {Path(component.live) / stay} is in use, and stays")
    return notes


def stage_rows(
    journal: Journal,
    origin: Origin,
    data: Sequence[DataRecord],
    *,
    leave_out: frozenset[str],
    progress: Progress,
    phase: Callable[[str], None],
) -> list[str]:
    """Create databases beside the live ones, load the rows of a package, and return notes for the user.

    Raises `RestoreFailed` for rows that do not fit.
    """
    targets = []
    for database in data:
        component = announce_database(journal, database.alias)
        database_engine(component).create(database.alias, component.staged, like=component.live)
        targets.append(Target(database, component.staged))
    notes = stage_portable.load(origin, targets, leave_out=leave_out, progress=progress, phase=phase)
    for component in journal.components:
        if component.kind in DATABASES:
            notes += database_engine(component).left_behind(component)
    return notes
