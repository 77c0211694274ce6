"""Explain which objects the server refused to create: one failure for each cause, with the remedy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .....core.sql import quoted
from ...rehearsal import Failure
from .script import Entry
from .session import FORBIDDEN, UNKNOWN_NAMES, Refusal

_MOST_SHOWN: Final = 5
_HAVE_ROWS: Final = frozenset({"TABLE", "SCHEMA", "SEQUENCE"})
"""Kinds of objects that cannot be left out, since they hold the rows or contain such objects."""

Refused = tuple[Entry, Refusal]


@dataclass(frozen=True)
class Maker:
    """The role that creates the objects, and the search path of the application."""

    search_path: str
    role: str


def failures_of(
    refused: Sequence[Refused], entries: Iterable[Entry], maker: Maker, left_out: Sequence[Entry] = ()
) -> list[Failure]:
    """Return a failure for each cause: an object that only lacks another refused one is named in that one's failure.

    `entries` are all objects of the dump, `left_out` those of them that the user leaves out.
    """
    known = [*entries]
    refused = [(_with_server(entry, known), refusal) for entry, refusal in refused]
    needs = {entry.number: entry.needs for entry in known}
    wanted = {entry.number: _all_needs(entry, needs) for entry, _ in refused}
    found = []
    for entry, refusal in refused:
        needed_by = [other for other, _ in refused if entry.number in wanted[other.number]]
        # Objects that need each other are all reported.
        if wanted[entry.number] & wanted.keys() - {other.number for other in needed_by}:
            continue
        lacking = [other for other in left_out if other.number in wanted[entry.number]]
        found.append(_failure(entry, refusal, maker, lacking, needed_by))
    return found


def _with_server(entry: Entry, entries: Sequence[Entry]) -> Entry:
    """Return the entry; a user mapping gets its server as a need, which dumps do not record."""
    if entry.kind != "USER MAPPING":
        return entry
    servers = {
        other.number for other in entries if other.kind == "SERVER" and entry.name.endswith(f" SERVER {other.name}")
    }
    return dataclasses.replace(entry, needs=entry.needs | servers)


def _all_needs(entry: Entry, needs: dict[int, frozenset[int]]) -> set[int]:
    found: set[int] = set()
    left = set(entry.needs)
    while left:
        found |= left
        left = {one for number in left for one in needs.get(number, ())} - found
    return found - {entry.number}


def _failure(
    entry: Entry, refusal: Refusal, maker: Maker, lacking: Sequence[Entry], needed_by: Sequence[Entry]
) -> Failure:
    shown = [_display_name(one) for one in needed_by[:_MOST_SHOWN]]
    more = [f"{len(needed_by) - _MOST_SHOWN} more"] if len(needed_by) > _MOST_SHOWN else []
    hint = _hint(entry, refusal, maker, lacking, needed_by)
    return Failure(
        object=_display_name(entry),
        reason=refusal.text.rstrip("."),
        hint=f"It is needed by {', '.join(shown + more)}. {hint}" if shown else hint,
        sql=entry.display_sql,
        selector=entry.selector,
    )


def _display_name(entry: Entry) -> str:
    return f"{entry.kind.lower()} {entry.title}"


def _hint(entry: Entry, refusal: Refusal, maker: Maker, lacking: Sequence[Entry], needed_by: Sequence[Entry]) -> str:
    """Return the remedy. It never leaves out an object with rows, nor an object that one of these needs."""
    gone = [entry, *needed_by]
    words = " ".join(f"--leave-out {one.selector!r}" for one in gone)
    can_do_without = not any(one.kind in _HAVE_ROWS for one in gone)
    leave_out = f", or restore with {words}" if can_do_without else ""
    if lacking:
        names = ", ".join(_display_name(one) for one in lacking)
        return f"It needs {names}, which is left out: restore without that option{leave_out}"
    if refusal.state == FORBIDDEN:
        role = quoted(maker.role)
        superuser = (
            f"Restore as a superuser: run ALTER ROLE {role} SUPERUSER before the restore and ALTER ROLE {role}"
            " NOSUPERUSER after it"
        )
        afterwards = f" and run this as a superuser afterwards: {' '.join(entry.display_sql.split())}"
        return superuser + (leave_out + afterwards if can_do_without else "")
    if refusal.state in UNKNOWN_NAMES:
        return (
            "A function may name others without their schema: write the schema into it, or run ALTER FUNCTION … SET"
            f" search_path TO {maker.search_path}. Otherwise create what is missing{leave_out}"
        )
    return f"Correct it in the database{leave_out}"
