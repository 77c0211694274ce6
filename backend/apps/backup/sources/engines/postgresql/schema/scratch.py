"""Create new databases beside the live one, with the properties of a backup's database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from .....core.manifest import DatabaseRecord
from .....core.sql import quoted
from .....errors import RestoreFailed
from ..server_facts import FIRST_WITH_PROVIDERS, Locale
from .literals import assignment, literal
from .server import server

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_USUAL_PATH: Final = '"$user", public'
_NOT_FOR_RESTORES: Final = frozenset(
    {
        "client_encoding",
        "default_transaction_deferrable",
        "default_transaction_isolation",
        "default_transaction_read_only",
        "role",
        "search_path",
        "session_authorization",
        "session_replication_role",
    }
)
"""Settings that would keep the restore from writing, or create its objects as another role."""


def major(cursor: CursorWrapper) -> int:
    """Return the server's major version."""
    cursor.execute("SHOW server_version_num")
    return int(_value(cursor)) // 10000


def _value(cursor: CursorWrapper) -> str:
    row = cursor.fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def missing_rights(cursor: CursorWrapper) -> list[str]:
    """Return why the role cannot create databases, with the SQL that helps; empty if it can."""
    cursor.execute("SELECT rolcreatedb OR rolsuper, rolname FROM pg_roles WHERE rolname = current_user")
    creates, role = cursor.fetchone() or (False, "")
    if creates:
        return []
    return [f"the role {role!r} may not create databases; run ALTER ROLE {quoted(str(role))} CREATEDB"]


def create_scratch(record: DatabaseRecord, scratch: str) -> None:
    """Create the empty database with the recorded encoding and collation."""
    locale = Locale(
        record.encoding,
        record.collation,
        record.character_type,
        record.locale_provider,
        record.icu_locale,
        record.icu_rules,
    )
    with creating(record.alias, scratch) as cursor:
        cursor.execute(create_statement(locale, scratch, major(cursor)))


@contextlib.contextmanager
def source_session(record: DatabaseRecord, scratch: str) -> Iterator[None]:
    """Start sessions in a new database with the settings of the application's sessions, until the end of the block.

    Generated columns, checks and indexes may need its search path, its `DateStyle`, or its own settings.
    """
    role = f"ALTER ROLE CURRENT_USER IN DATABASE {quoted(scratch)}"
    with server(record.alias) as cursor:
        for setting in source_settings(record):
            # The server refuses a setting that the role may not change. Objects that need it fail with their names, and
            # `replay_facts` notes the setting.
            with contextlib.suppress(DatabaseFailure):
                cursor.execute(f"{role} SET {assignment(setting)}")
        cursor.execute(f"{role} SET {assignment('search_path=' + source_path(record))}")
    yield
    with server(record.alias) as cursor:
        cursor.execute(f"{role} RESET ALL")


def source_settings(record: DatabaseRecord) -> list[str]:
    """Return the settings of the application's sessions, without those that would disturb a restore."""
    own = record.server.session_settings if record.server is not None else []
    return [one for one in own or record.settings if one.partition("=")[0].lower() not in _NOT_FOR_RESTORES]


@contextlib.contextmanager
def creating(alias: str, scratch: str) -> Iterator[CursorWrapper]:
    """Open a cursor to create a database. Raises `RestoreFailed` if that fails."""
    with server(alias) as cursor:
        try:
            yield cursor
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"The database {scratch!r} cannot be created beside the live one: {str(error).strip()}. Nothing was"
                " changed."
            ) from error


def create_statement(locale: Locale, scratch: str, version: int) -> str:
    """Return the SQL that creates an empty database on a server of this major version."""
    words = [f"CREATE DATABASE {quoted(scratch)} TEMPLATE template0 ENCODING {literal(locale.encoding)}"]
    words.append(f"LC_COLLATE {literal(locale.collation)} LC_CTYPE {literal(locale.character_type)}")
    if locale.locale_provider == "i":
        words.append(f"LOCALE_PROVIDER icu ICU_LOCALE {literal(locale.icu_locale)}")
    elif locale.locale_provider == "b":
        words.append(f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {literal(locale.icu_locale)}")
    elif version >= FIRST_WITH_PROVIDERS:
        # Otherwise the provider would be that of template0.
        words.append("LOCALE_PROVIDER libc")
    if locale.icu_rules:
        words.append(f"ICU_RULES {literal(locale.icu_rules)}")
    return " ".join(words)


def source_path(record: DatabaseRecord) -> str:
    """Return the search path of the application, as far as the backup records it."""
    if record.server is not None and record.server.search_path:
        return record.server.search_path
    paths = [value for name, _, value in (one.partition("=") for one in record.settings) if name == "search_path"]
    return paths[0] if paths else _USUAL_PATH
