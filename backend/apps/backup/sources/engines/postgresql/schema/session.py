"""Create the objects of a dump one by one in a session, and collect those that the server refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from .....core.manifest import DatabaseRecord
from .....errors import RestoreFailed
from ..dump import fresh_connection, sqlstate
from .scratch import source_path
from .script import Entry

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

FORBIDDEN: Final = "42501"
NOT_THERE: Final = "42704"
NO_OBJECT: Final = frozenset({"42883", "42P01", "3F000"})
UNKNOWN_NAMES: Final = NO_OBJECT | {"42703", NOT_THERE}
# Not faults of the object: the server has no room, is stopped, or cannot read its disk.
_OF_THE_SERVER: Final = ("08", "53", "57", "58", "XX")


@dataclass(frozen=True)
class Refusal:
    """The server's refusal of a statement."""

    state: str
    text: str


class Session:
    """A session that runs SQL in a new database, with the empty search path of a dump or with that of the source."""

    def __init__(self, wrapper: BaseDatabaseWrapper, prologue: bytes, search_path: str) -> None:
        self._wrapper = wrapper
        self._search_path = search_path
        self._warnings: list[str] = []
        self._state = b""
        self._cursor = wrapper.connection.cursor()
        ((role,),) = self.rows("SELECT current_user")
        self.role = str(role)
        if hasattr(wrapper.connection, "add_notice_handler"):
            wrapper.connection.add_notice_handler(lambda notice: self._warnings.append(str(notice.message_primary)))
        for line in prologue.splitlines():
            refusal = self.attempt(line)
            # A newer pg_restore may set a parameter that an older server does not have.
            if refusal is not None and refusal.state != NOT_THERE:
                raise RestoreFailed(f"The session for {wrapper.settings_dict['NAME']!r} is refused: {refusal.text}.")

    def attempt(self, sql: bytes | str) -> Refusal | None:
        """Run SQL as a whole or not at all, and return the server's refusal. Raises if the server has a problem."""
        self._warnings.clear()
        getattr(self._wrapper.connection, "notices", []).clear()
        if not _has_statement(sql):
            # Psycopg2 refuses an empty statement. pg_dump writes only a comment for objects that each database has.
            return None
        try:
            with self._wrapper.wrap_database_errors:
                self._cursor.execute(sql)
        except DatabaseFailure as error:
            state = sqlstate(error)
            if not state or state.startswith(_OF_THE_SERVER):
                raise
            return Refusal(state, str(error).strip().splitlines()[0])
        return None

    @property
    def warned(self) -> str:
        """Return the server's warnings on the last attempt."""
        # Psycopg 3 uses a callback, psycopg2 a list.
        notices = [*self._warnings, *getattr(self._wrapper.connection, "notices", [])]
        return " / ".join(str(one).strip() for one in notices)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        with self._wrapper.wrap_database_errors:
            self._cursor.execute(query)
            return list(self._cursor.fetchall())

    @contextlib.contextmanager
    def own_path(self) -> Iterator[None]:
        """Use the application's search path while the block runs."""
        self._set_path(self._search_path)
        yield
        self._set_path("")

    def make(self, entries: Sequence[Entry]) -> list[tuple[Entry, Refusal]]:
        """Create these objects, and return those that cannot be created, each with its last refusal.

        Failed objects are retried as long as that helps: after other objects exist, and with the search path of the
        application, which functions need that name other objects without a schema.
        """
        failed = [(entry, refusal) for entry in entries if (refusal := self._make(entry)) is not None]
        while failed:
            left = [(entry, refusal) for entry, _ in failed if (refusal := self._make_again(entry)) is not None]
            if len(left) == len(failed):
                return left
            failed = left
        return []

    def _make(self, entry: Entry) -> Refusal | None:
        if entry.state != self._state:
            if refusal := self.attempt(entry.state):
                return refusal
            self._state = entry.state
        return self.attempt(entry.sql)

    def _make_again(self, entry: Entry) -> Refusal | None:
        if self._make(entry) is None:
            return None
        with self.own_path():
            return self._make(entry)

    def _set_path(self, path: str) -> None:
        quoted_path = path.replace("'", "''")
        with self._wrapper.wrap_database_errors:
            self._cursor.execute(f"SELECT pg_catalog.set_config('search_path', '{quoted_path}', false)")


def _has_statement(sql: bytes | str) -> bool:
    lines = (sql.encode() if isinstance(sql, str) else sql).splitlines()
    return any(line.strip() and not line.startswith(b"--") for line in lines)


@contextlib.contextmanager
def open_session(record: DatabaseRecord, database: str, prologue: bytes) -> Iterator[Session]:
    """Open a session in a new database on the record's server."""
    with fresh_connection(record.alias, database) as wrapper:
        yield Session(wrapper, prologue, source_path(record))
