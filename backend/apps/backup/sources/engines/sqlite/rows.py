"""The rows of an SQLite database, read from a copy."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from django.conf import settings as project
from django.db import connections

from .... import conf
from ....portable.engines.sqlite import SqliteReading
from ....portable.history import history
from ....portable.tables import decimal_places
from ..opened_rows import MIGRATIONS, OpenedRows, by_app, timestamps_in
from .online_copy import copied, open_readonly


def open_rows(alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
    """Copy the database into the working folder, and open the copy. Both are removed with the stack."""
    settings = connections[alias].settings_dict
    copy, cut_at = stack.enter_context(copied(alias, settings, staging))
    connection = stack.enter_context(contextlib.closing(open_readonly(copy)))
    has_migrations = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'django_migrations'").fetchone()
    applied = [(str(app), str(name)) for app, name in connection.execute(MIGRATIONS)] if has_migrations else []
    known = history(by_app(applied))
    reading = SqliteReading(
        connection,
        timestamps=timestamps_in(alias, bare=not project.USE_TZ),
        places=decimal_places(known),
        derived=conf.load().derived_tables,
    )
    return OpenedRows(reading, known, applied, sqlite3.sqlite_version, cut_at, copy.stat().st_size, [])
