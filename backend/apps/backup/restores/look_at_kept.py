"""Look at what a restore replaced: where it is kept, and, on PostgreSQL, connections into it."""

from __future__ import annotations

import dataclasses
import uuid

from ..services.restores import restore_opened_record
from .engines.registry import swap_engine
from .journal import Journal, exclusive
from .swap import kept_journal


@dataclasses.dataclass(frozen=True, slots=True)
class Opened:
    """The kept state, and how to look at each part of it. `changes` were written after the safety backup."""

    restore: uuid.UUID
    backup: str
    look: list[str]
    changes: list[str]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return dataclasses.asdict(self)


def plan_open_kept(restore: str) -> Opened:
    """Say how to look at it, and change nothing. Raises `RestoreRefused` if nothing is kept."""
    return _opened(kept_journal(restore))


def open_kept(restore: str) -> Opened:
    """Let connections into the replaced databases, which the swap has barred, until a rollback or a release.

    Raises `RestoreRefused` if nothing is kept, and `RestoreFailed` where a server does not let it.
    """
    with exclusive():
        journal = kept_journal(restore)
        for component in journal.components:
            if component.had_live:
                swap_engine(component).admit(component)
        restore_opened_record(journal.restore, journal.backup)
        return _opened(journal)


def _opened(journal: Journal) -> Opened:
    look = [swap_engine(one).look(one) for one in journal.components if one.had_live]
    changes = [] if journal.changes is None else journal.changes.lines()
    return Opened(journal.restore, journal.backup, look, changes)
