"""Create databases like the live one, for rows in portable form."""

from __future__ import annotations

from django.db import connections

from .....core.sql import quoted
from .....errors import RestoreFailed
from ..server_facts import locale_of, server_facts
from .rights import Rights, replay_facts
from .scratch import create_statement, creating, major


def create_like_live(alias: str, scratch: str) -> None:
    """Create an empty database with the encoding, collation and settings of the live one, or with the server's."""
    database = str(connections[alias].settings_dict["NAME"])
    with creating(alias, scratch) as cursor:
        locale = locale_of(cursor, database)
        if locale is None:
            cursor.execute(f"CREATE DATABASE {quoted(scratch)} TEMPLATE template0 ENCODING 'UTF8'")
            return
        cursor.execute(create_statement(locale, scratch, major(cursor)))
        cursor.execute(
            "SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
            " WHERE d.datname = %s AND s.setrole = 0",
            [database],
        )
        settings = [str(row[0]) for row in cursor.fetchall()]
        rights = Rights()
        replay_facts(cursor, scratch, server_facts(cursor, database), settings, rights)
        if rights.weaker:
            raise RestoreFailed(
                f"The new database would allow more than {database!r}: {'; '.join(rights.weaker)}. Nothing was changed."
            )
