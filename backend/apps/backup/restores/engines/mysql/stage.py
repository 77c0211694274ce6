"""Create a new database beside the live one on a MariaDB or MySQL server, and check that the server allows it."""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING, Final

from django.db import connections

from ....core.paths import first_of
from ....core.sql import backticked
from ....sources.engines.mysql.connection import CHARACTER_SET, not_transactional
from ..server_check import ServerCheck
from .grants import Rights, like_pattern, read_rights
from .server import collation, column, exists, server, text
from .swap import free_name, named_failure
from .triggers import read_triggers

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_OLDEST: Final = {"MariaDB": (10, 6), "MySQL": (8, 0)}
"""The first versions with an atomic RENAME of many tables, also if a process is killed."""
_LOADING: Final = frozenset({"ALTER", "CREATE", "DELETE", "DROP", "INDEX", "INSERT", "REFERENCES", "SELECT", "UPDATE"})
_RENAMING: Final = frozenset({"ALTER", "CREATE", "DROP", "INSERT", "SELECT"})
_SHOWN: Final = 5

_FOREIGN: Final = """
    SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.KEY_COLUMN_USAGE
    WHERE REFERENCED_TABLE_SCHEMA = %s AND TABLE_SCHEMA <> %s ORDER BY 1
"""
_OTHER_CHARACTERS: Final = """
    SELECT TABLE_NAME FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE' AND TABLE_COLLATION NOT LIKE 'utf8mb4%%' ORDER BY 1
"""
_STAYING: Final = """
    SELECT CONCAT(LOWER(TABLE_TYPE), ' ', TABLE_NAME) FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = %s AND TABLE_TYPE IN ('VIEW', 'SEQUENCE')
    UNION ALL SELECT CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_NAME) FROM information_schema.ROUTINES
        WHERE ROUTINE_SCHEMA = %s
    UNION ALL SELECT CONCAT('event ', EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s
    ORDER BY 1
"""


def create_scratch(alias: str, name: str) -> None:
    """Create the empty database in utf8mb4, with the live one's collation if that is of utf8mb4.

    Raises `RestoreFailed`, also if a database of that name exists.
    """
    failure = named_failure(f"The database {name!r} cannot be created beside the live one", "Nothing was changed.")
    with server(alias) as cursor, failure:
        chosen = collation(cursor, str(connections[alias].settings_dict["NAME"]))
        words = f" COLLATE {backticked(chosen)}" if chosen.startswith(CHARACTER_SET) else ""
        cursor.execute(f"CREATE DATABASE {backticked(name)} CHARACTER SET {CHARACTER_SET}{words}")


def check_server(alias: str) -> ServerCheck:
    """Check the server of a database without trying anything. Raises `RestoreFailed` if it cannot be reached."""
    database = str(connections[alias].settings_dict["NAME"])
    with server(alias) as cursor:
        cursor.execute("SELECT VERSION()")
        product, version = parse_version(text(cursor))
        rights = read_rights(cursor)
        database_exists = exists(cursor, database)
        blocking = _too_old(product, version) + _missing_rights(rights, database, database_exists=database_exists)
        warnings: list[str] = []
        if database_exists:
            blocking += _foreign_keys_from_elsewhere(cursor, database) + _fixed_triggers(cursor, database, rights)
            warnings = _oddities(cursor, database)
    if not database:
        blocking.append(f"DATABASES names no database for {alias!r}; put its name into NAME")
    shown = f"{product} server {'.'.join(map(str, version))}"
    return ServerCheck(database, database_exists, shown, _driver(alias), blocking, warnings)


def left_behind(alias: str, *, live: str, staged: str) -> list[str]:
    """Return the views, sequences, routines and events of the staged database that the live one lacks.

    The swap does not move them, so they must be created there by hand.
    """
    with server(alias) as cursor:
        live_objects = set(_staying(cursor, live))
        return [one for one in _staying(cursor, staged) if one not in live_objects]


def parse_version(version_text: str) -> tuple[str, tuple[int, ...]]:
    """Return `MariaDB` or `MySQL`, and the numbers of the version, from the server's own version text."""
    match = re.match(r"\d+(?:\.\d+)*", version_text)
    numbers = tuple(int(part) for part in match[0].split(".")) if match else ()
    return ("MariaDB" if "mariadb" in version_text.lower() else "MySQL"), numbers


def _driver(alias: str) -> str:
    # PyMySQL in place of mysqlclient claims a version of mysqlclient; its package has its own version.
    module = getattr(connections[alias], "Database", None)
    name = "PyMySQL" if getattr(module, "__name__", "") == "pymysql" else "mysqlclient"
    return f"{name} {importlib.metadata.version(name)}"


def _too_old(product: str, version: tuple[int, ...]) -> list[str]:
    oldest = _OLDEST[product]
    if version >= oldest:
        return []
    return [
        f"{product} {'.'.join(map(str, version))} may do half of a renaming when it is interrupted; {product}"
        f" {'.'.join(map(str, oldest))} or newer is needed"
    ]


def _missing_rights(rights: Rights, database: str, *, database_exists: bool) -> list[str]:
    found = []
    user, _, host = rights.user.rpartition("@")
    scratch = free_name(database, "_new_00000000")
    beside = rights.missing(scratch, _LOADING) + rights.missing(free_name(database, "_old_00000000"), _LOADING)
    if beside:
        pattern = like_pattern(scratch.removesuffix("new_00000000")) + "%"
        found.append(
            f"the user {rights.user!r} may not create databases beside {database!r}; run GRANT ALL PRIVILEGES ON"
            f" {backticked(pattern)}.* TO {backticked(user)}@{backticked(host)}"
        )
    missing = rights.missing(database, _RENAMING)
    if missing:
        found.append(
            f"the user {rights.user!r} has not the rights {', '.join(missing)} on"
            f" {'' if database_exists else 'the database to be created, '}{database!r}; run GRANT ALL PRIVILEGES ON"
            f" {backticked(like_pattern(database))}.* TO {backticked(user)}@{backticked(host)}"
        )
    return found


def _foreign_keys_from_elsewhere(cursor: CursorWrapper, database: str) -> list[str]:
    cursor.execute(_FOREIGN, [database, database])
    found = column(cursor)
    if not found:
        return []
    return [
        f"foreign keys of other databases refer to {database!r} ({_names(found)}) and would follow its old tables; drop"
        " them first"
    ]


def _fixed_triggers(cursor: CursorWrapper, database: str, rights: Rights) -> list[str]:
    """Return texts on triggers that could be dropped but not be created again."""
    triggers = read_triggers(cursor, database, old=True)
    if not triggers:
        return []
    fixed = [f"{one.name} of {one.definer}" for one in triggers if not rights.may_define_for(one.definer)]
    if fixed:
        return [f"triggers of other users ({_names(fixed)}) cannot be made again by {rights.user!r}; grant it SET USER"]
    missing = [
        name
        for name in (database, free_name(database, "_new_00000000"), free_name(database, "_old_00000000"))
        if rights.missing(name, frozenset({"TRIGGER"}))
    ]
    if missing:
        return [f"there are triggers, and the user {rights.user!r} has not the right TRIGGER on {_names(missing)}"]
    cursor.execute("SELECT @@log_bin AND NOT @@log_bin_trust_function_creators")
    if text(cursor) == "1" and not rights.is_superuser:
        return [
            f"there are triggers, and the server writes a binary log: {rights.user!r} needs the right SUPER, or the"
            " server the setting log_bin_trust_function_creators"
        ]
    return []


def _oddities(cursor: CursorWrapper, database: str) -> list[str]:
    warnings = []
    cursor.execute("SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s", [database])
    count = int(text(cursor))
    if count:
        warnings.append(
            f"{count} triggers of {database!r} are dropped during the swap and created again: stop the application"
            " first"
        )
    if tables := not_transactional(cursor, database):
        warnings.append(f"tables of {database!r} are not InnoDB ({_names(tables)}): they know no transactions")
    cursor.execute(_OTHER_CHARACTERS, [database])
    tables = column(cursor)
    if tables or not collation(cursor, database).startswith(CHARACTER_SET):
        where = f"tables of {database!r} ({_names(tables)})" if tables else f"the database {database!r} by default"
        warnings.append(f"{where} cannot hold every character; what is restored is in {CHARACTER_SET}")
    if staying := _staying(cursor, database):
        warnings.append(f"what is no table stays in {database!r} as it is ({_names(staying)})")
    return warnings


def _staying(cursor: CursorWrapper, database: str) -> list[str]:
    cursor.execute(_STAYING, [database, database, database])
    return column(cursor)


def _names(names: list[str]) -> str:
    return first_of(names, count=len(names), most=_SHOWN)
