"""Restrictions that the rows of a backup may not satisfy: checks that call functions, and references.

Such a check is dropped while rows are loaded, since a function may read a table that comes later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .....core.sql import quoted
from .....errors import RestoreFailed
from ...rehearsal import Failure
from .script import Entry
from .session import Refusal, Session

_CHECKS: Final = """
    SELECT conname, CASE WHEN conrelid <> 0 THEN 'TABLE ' || conrelid::regclass ELSE 'DOMAIN ' || contypid::regtype END,
           pg_get_constraintdef(oid), coalesce(obj_description(oid, 'pg_constraint'), '')
    FROM pg_constraint c
    WHERE contype = 'c' AND convalidated AND coninhcount = 0 AND connamespace <> 'pg_catalog'::regnamespace
      AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass AND d.objid = c.oid
                  AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass))
    ORDER BY oid
"""
"""The search path is empty, so names have their schemas. The server's own functions are not dependencies."""
_REFERENCE: Final = "FK CONSTRAINT"
_VIOLATED: Final = "23503"
"""SQLSTATE of a reference to a missing row."""


@dataclass(frozen=True)
class Check:
    """A constraint that was taken away from `owner`, a table or a domain."""

    name: str
    owner: str
    definition: str
    comment: str

    @property
    def title(self) -> str:
        """The constraint's name and owner, for users."""
        return f"check {self.name} of {self.owner.lower().replace('table ', '', 1)}"


def drop_checks(session: Session) -> list[Check]:
    """Drop all such checks, and return them. One that a table also inherits is found after its parent has lost it."""
    found: list[Check] = []
    while rows := session.rows(_CHECKS):
        checks = [Check(*map(str, row)) for row in rows]
        for check in checks:
            if refusal := session.attempt(f"ALTER {check.owner} DROP CONSTRAINT {quoted(check.name)}"):
                raise RestoreFailed(f"The {check.title} cannot be set aside: {refusal.text}. Nothing live was changed.")
        found += checks
    return found


def recreate_checks(session: Session, checks: list[Check]) -> tuple[list[Failure], list[str]]:
    """Create the checks again, first for new rows and then for all; return the failures, and notes on violated checks.

    A check that reads other tables may be violated by existing rows: the source does not notice that either.
    """
    failures, notes = [], []
    for check in reversed(checks):
        name = quoted(check.name)
        add = f"ALTER {check.owner} ADD CONSTRAINT {name} {check.definition} NOT VALID"
        with session.own_path():
            refusal = session.attempt(add)
        if refusal is not None:
            selector = "constraint:" + check.name
            failures.append(Failure(check.title, refusal.text, "Correct it in the database", add, selector))
            continue
        if check.comment:
            text = check.comment.replace("'", "''")
            on = check.owner.removeprefix("TABLE ")
            session.attempt(f"COMMENT ON CONSTRAINT {name} ON {on} IS '{text}'")
        with session.own_path():
            refusal = session.attempt(f"ALTER {check.owner} VALIDATE CONSTRAINT {name}")
        if refusal is not None:
            notes.append(
                f"the {check.title} does not hold for all rows of the backup ({refusal.text}); it is NOT VALID now, and"
                " holds for new rows"
            )
    return failures, notes


def references_not_valid(
    session: Session, refused: list[tuple[Entry, Refusal]]
) -> tuple[list[tuple[Entry, Refusal]], list[str]]:
    """Create references that rows of the backup violate, for new rows only; return those still refused, and notes.

    Rows that were written while triggers were off violate them in the source, too, which did not notice.
    """
    left, notes = [], []
    for entry, refusal in refused:
        sql = entry.sql.rstrip().removesuffix(b";") + b" NOT VALID;"
        broken = entry.kind == _REFERENCE and refusal.state == _VIOLATED
        if not broken or session.attempt(sql) is not None:
            left.append((entry, refusal))
            continue
        notes.append(
            f"the reference {entry.title} does not hold for all rows of the backup ({refusal.text}); it is NOT VALID"
            " now, and holds for new rows"
        )
    # Comments on these references can be created now.
    return (session.make([entry for entry, _ in left]) if notes else left), notes
