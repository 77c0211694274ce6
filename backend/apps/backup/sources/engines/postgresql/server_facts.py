"""Read the facts about a PostgreSQL database that are not in its dump: grants, settings, owner and the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from ....core.manifest import Grant, ServerFacts

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_DATABASE: Final = """
    SELECT pg_get_userbyid(datdba), greatest(datconnlimit, -1), coalesce(shobj_description(oid, 'pg_database'), ''),
           datacl IS NULL
    FROM pg_database WHERE datname = %s
"""
_ACCESS: Final = """
    SELECT CASE e.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(e.grantee) END, e.privilege_type, e.is_grantable
    FROM pg_database d, aclexplode(d.datacl) e WHERE d.datname = %s ORDER BY 1, 2
"""
_ROLE_SETTINGS: Final = """
    SELECT r.rolname, unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = %s ORDER BY 1
"""
# Settings of a database override those of the server, and settings of a role override both.
_SESSION: Final = """
    SELECT unnest(s.setconfig) FROM pg_db_role_setting s
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
    ORDER BY s.setrole <> 0, s.setdatabase <> 0
"""
# For a role that is no superuser, pg_dump leaves subscriptions out and still ends with 0.
_SUBSCRIPTIONS: Final = """
    SELECT s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
    WHERE d.datname = current_database() AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    ORDER BY 1
"""


FIRST_WITH_PROVIDERS: Final = 15
"""The first server version whose databases may use another collation library than the system's."""
_NAMES_ICU: Final = 17
_HAS_RULES: Final = 16


@dataclass(frozen=True)
class Locale:
    """The encoding and collation of a database. `icu_locale` is that of the provider, ICU or the server's own."""

    encoding: str
    collation: str
    character_type: str
    locale_provider: str
    icu_locale: str
    icu_rules: str


def locale_of(cursor: CursorWrapper, database: str) -> Locale | None:
    """Return the locale of a database on the server; None if there is no database of that name."""
    cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
    ((version,),) = cursor.fetchall()
    provider = "datlocprovider::text" if version >= FIRST_WITH_PROVIDERS else "''"
    name = "datlocale" if version >= _NAMES_ICU else "daticulocale" if version >= FIRST_WITH_PROVIDERS else "NULL"
    rules = "daticurules" if version >= _HAS_RULES else "NULL"
    cursor.execute(
        f"SELECT pg_encoding_to_char(encoding), datcollate, datctype, {provider}, coalesce({name}, ''),"  # noqa: S608
        f" coalesce({rules}, '') FROM pg_database WHERE datname = %s",
        [database],
    )
    row = cursor.fetchone()
    return None if row is None else Locale(*map(str, row))


def server_facts(cursor: CursorWrapper, database: str) -> ServerFacts | None:
    """Return the facts that any database of the server shows; None if there is no database of that name."""
    cursor.execute(_DATABASE, [database])
    row = cursor.fetchone()
    if row is None:
        return None
    owner, limit, comment, untouched = row
    access = None
    if not untouched:
        cursor.execute(_ACCESS, [database])
        access = [Grant(str(to), str(what), bool(grantable)) for to, what, grantable in cursor.fetchall()]
    cursor.execute(_ROLE_SETTINGS, [database])
    settings: dict[str, list[str]] = {}
    for role, setting in cursor.fetchall():
        settings.setdefault(str(role), []).append(str(setting))
    return ServerFacts(
        owner=str(owner),
        connection_limit=int(str(limit)),
        comment=str(comment),
        access=access,
        role_settings=settings,
    )


def read_server_facts(cursor: CursorWrapper, database: str) -> ServerFacts | None:
    """Return the facts of the cursor's own database, with those that only its own sessions can read."""
    facts = server_facts(cursor, database)
    if facts is None:
        return None
    cursor.execute("SELECT current_setting('search_path')")
    ((path,),) = cursor.fetchall()
    cursor.execute(_SESSION)
    session = [str(row[0]) for row in cursor.fetchall()]
    cursor.execute(_SUBSCRIPTIONS)
    not_dumped = [f"subscription {row[0]}" for row in cursor.fetchall()]
    extensions, publications, event_triggers = extensions_publications_triggers(cursor)
    return msgspec.structs.replace(
        facts,
        search_path=str(path),
        session_settings=session,
        extensions=extensions,
        publications=publications,
        event_triggers=event_triggers,
        not_dumped=not_dumped,
    )


def extensions_publications_triggers(cursor: CursorWrapper) -> tuple[dict[str, str], list[str], list[str]]:
    """Return the extensions with their versions, the publications and the event triggers of the cursor's database."""
    cursor.execute("SELECT extname, extversion FROM pg_extension ORDER BY 1")
    extensions = {str(name): str(version) for name, version in cursor.fetchall()}
    cursor.execute("SELECT pubname FROM pg_publication ORDER BY 1")
    publications = [str(row[0]) for row in cursor.fetchall()]
    cursor.execute(
        "SELECT evtname FROM pg_event_trigger e WHERE NOT EXISTS (SELECT 1 FROM pg_depend d"
        " WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e') ORDER BY 1"
    )
    return extensions, publications, [str(row[0]) for row in cursor.fetchall()]
