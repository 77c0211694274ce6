"""Open the state that a restore replaced: show where it is kept, and admit connections to its databases."""

from __future__ import annotations

import dataclasses
import uuid

from ..services.restores import restore_opened_record
from .engines.registry import swap_engine
from .journal import Journal, only_restore
from .swap import kept_journal


@dataclasses.dataclass(frozen=True, slots=True)
class Opened:
    """The kept state, with a command to look at each part. `changes` were written after the safety backup."""

    restore: uuid.UUID
    backup: str
    look: list[str]
    changes: list[str]

    def to_json(self) -> dict[str, object]:
        """Return the record for programs."""
        return dataclasses.asdict(self)


def plan_open_kept(restore: str) -> Opened:
    """Return the commands to look at the kept state, and change nothing. Raises `RestoreRefused` if nothing is kept."""
    return _opened(kept_journal(restore))


def open_kept(restore: str) -> Opened:
    """Admit connections to the replaced databases, which the swap has barred, until a rollback or a release.

    Raises `RestoreRefused` if nothing is kept, and `RestoreFailed` if a server refuses it.
    """
    with only_restore():
        journal = kept_journal(restore)
        for component in journal.components:
            if component.had_live:
                swap_engine(component).admit_connections(component)
        restore_opened_record(journal.restore, journal.backup)
        return _opened(journal)


def _opened(journal: Journal) -> Opened:
    look = [swap_engine(one).look_command(one) for one in journal.components if one.had_live]
    changes = [] if journal.changes is None else journal.changes.lines()
    return Opened(journal.restore, journal.backup, look, changes)
