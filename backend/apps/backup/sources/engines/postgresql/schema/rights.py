"""Replay the owners and grants of a dump one by one. Failures are named: no restriction is lost without a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from .....core.manifest import ServerFacts
from .....core.sql import quoted
from .literals import assignment, literal
from .script import Entry
from .session import NO_OBJECT, NOT_THERE, Refusal, Session

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_MOST_NOTES: Final = 30
_OWNER: Final = "the owner cannot be kept"
_AS_ANOTHER: Final = b"SET SESSION AUTHORIZATION "
_ALL: Final = ("CONNECT", "CREATE", "TEMPORARY")


@dataclass
class Rights:
    """The result. Without the statements in `weaker`, more is allowed than before; `notes` name other losses."""

    weaker: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: Counter[str] = field(default_factory=Counter)
    """The number of grants of each role that is missing on the server or cannot be used."""

    def all_notes(self) -> list[str]:
        """Return the notes, limited in number, with the roles that get fewer rights than they had."""
        roles = [
            f"the role {role!r} gets {count} grants less than it had, or owns less; create it first: CREATE ROLE"
            f" {quoted(role)}"
            for role, count in sorted(self.absent.items())
        ]
        # On another machine each object may lose its owner: other losses come first, so that the limit keeps them.
        notes = roles + sorted(self.notes, key=lambda note: note.startswith(_OWNER))
        more = [f"… and {len(notes) - _MOST_NOTES} more"] if len(notes) > _MOST_NOTES else []
        return notes[:_MOST_NOTES] + more


def replay_rights(session: Session, entries: Iterable[Entry], rights: Rights, roles: frozenset[str]) -> None:
    """Set the owners, grants and revocations of the dump. `roles` are those of the server.

    An owner may need a right that is granted here, so owners that were refused are tried again.
    """
    everything = list(entries)
    owned = [entry for entry in everything if entry.owner]
    refused = [entry for entry in owned if session.attempt(entry.owner) is not None]
    for entry in everything:
        if entry.is_rights:
            for statement in filter(None, map(bytes.strip, entry.sql.split(b"\n"))):
                _replay(session, entry, statement, rights, roles)
    for entry in refused:
        if (refusal := session.attempt(entry.owner)) is not None:
            _note_owner(entry, refusal, rights, roles)


def _note_owner(entry: Entry, refusal: Refusal, rights: Rights, roles: frozenset[str]) -> None:
    statement = entry.owner.decode("utf-8", "replace")
    if b"SECURITY DEFINER" in entry.sql:
        # The object would run with the rights of the role that restores it.
        rights.weaker.append(f"{statement} ({refusal.text})")
    elif entry.owner_role not in roles:
        rights.absent[entry.owner_role] += 1
    else:
        rights.notes.append(
            f"{_OWNER} ({refusal.text}): {statement} The role that restores owns it, and may do everything with it"
        )


def _replay(session: Session, entry: Entry, statement: bytes, rights: Rights, roles: frozenset[str]) -> None:
    refusal, warned = session.attempt(statement), session.warned
    if (refusal is None and not warned) or _as_owner(session, entry, statement):
        return
    if statement.startswith(_AS_ANOTHER):
        # The grants that follow were made by a role with the grant option. Here the owner makes them.
        return
    if refusal is not None and refusal.state in NO_OBJECT:
        # The user left the object out.
        return
    text = statement.decode("utf-8", "replace")
    reason = refusal.text if refusal else warned
    if b"REVOKE " in statement:
        if refusal is None or refusal.state != NOT_THERE:
            rights.weaker.append(f"{text} ({reason})")
        # A missing role needs no revocation.
        return
    role = _grantee(text)
    if role and role not in roles:
        rights.absent[role] += 1
    else:
        rights.notes.append(f"not granted ({reason}): {text}")


def _as_owner(session: Session, entry: Entry, statement: bytes) -> bool:
    """Run a statement as the owner, and return whether it works: a member does not always have the role's rights."""
    if session.attempt(f"SET ROLE {quoted(entry.granted_by)}") is not None:
        return False
    done = session.attempt(statement) is None and not session.warned
    session.attempt("RESET ROLE")
    return done


def _grantee(statement: str) -> str:
    name = statement.rstrip(";").removesuffix(" WITH GRANT OPTION").rpartition(" TO ")[2].strip()
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def replay_facts(
    cursor: CursorWrapper, database: str, facts: ServerFacts | None, settings: Iterable[str], rights: Rights
) -> None:
    """Set a database's settings, comment, connection limit and rights; the cursor is in another database."""
    name = quoted(database)
    for setting in settings:
        _try(cursor, f"ALTER DATABASE {name} SET {assignment(setting)}", rights.notes)
    if facts is None:
        return
    for role, own in facts.role_settings.items():
        for setting in own:
            _try(cursor, f"ALTER ROLE {quoted(role)} IN DATABASE {name} SET {assignment(setting)}", rights.notes)
    rights.notes += [
        f"not in the backup, since pg_dump gives it to a superuser only: {one}. Create it again as a superuser"
        for one in facts.not_dumped
    ]
    if facts.comment:
        _try(cursor, f"COMMENT ON DATABASE {name} IS {literal(facts.comment)}", rights.notes)
    if facts.access is not None:
        _replay_access(cursor, name, facts, rights)
    if facts.connection_limit >= 0:
        _try(cursor, f"ALTER DATABASE {name} CONNECTION LIMIT {facts.connection_limit}", rights.weaker)


def give_to_owner(cursor: CursorWrapper, database: str, facts: ServerFacts | None, rights: Rights) -> None:
    """Set the owner of a database, if it is another role."""
    cursor.execute("SELECT current_user")
    ((role,),) = cursor.fetchall()
    if facts is not None and facts.owner != role:
        _try(cursor, f"ALTER DATABASE {quoted(database)} OWNER TO {quoted(facts.owner)}", rights.notes)


def _replay_access(cursor: CursorWrapper, name: str, facts: ServerFacts, rights: Rights) -> None:
    _try(cursor, f"REVOKE ALL ON DATABASE {name} FROM PUBLIC", rights.weaker)
    access = facts.access or []
    for grant in access:
        if grant.grantee == facts.owner:
            continue
        to = quoted(grant.grantee) if grant.grantee else "PUBLIC"
        option = " WITH GRANT OPTION" if grant.grantable else ""
        _try(cursor, f"GRANT {grant.privilege} ON DATABASE {name} TO {to}{option}", rights.notes)
    for privilege in set(_ALL) - {grant.privilege for grant in access if grant.grantee == facts.owner}:
        _try(cursor, f"REVOKE {privilege} ON DATABASE {name} FROM CURRENT_USER", rights.weaker)


def _try(cursor: CursorWrapper, statement: str, refused: list[str]) -> None:
    try:
        cursor.execute(statement)
    except DatabaseFailure as error:
        refused.append(f"{statement} ({str(error).strip().splitlines()[0]})")


def role_names(cursor: CursorWrapper) -> frozenset[str]:
    """Return the names of all roles of the server."""
    cursor.execute("SELECT rolname FROM pg_roles")
    return frozenset(str(row[0]) for row in cursor.fetchall()) | {"PUBLIC"}
