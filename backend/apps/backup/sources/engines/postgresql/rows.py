"""The rows of a PostgreSQL database, as one transaction sees them."""

from __future__ import annotations

import contextlib
import datetime

from ....portable.engines.postgresql import PostgresqlReading
from ....portable.history import history
from ..opened_rows import OpenedRows, applied_in, by_app, one_row, timestamps_in
from .dump import fresh_connection


def open_rows(alias: str, stack: contextlib.ExitStack) -> OpenedRows:
    """Begin the transaction and return its rows. It ends with the stack."""
    wrapper = stack.enter_context(fresh_connection(alias))
    wrapper.inc_thread_sharing()
    cursor = stack.enter_context(wrapper.cursor())
    reading = PostgresqlReading(cursor, timestamps_in(alias, bare=False))
    reading.prepare()
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    cursor.execute("SELECT now(), current_setting('server_version'), pg_database_size(current_database())")
    now, version, size = one_row(cursor)
    cut_at = now.astimezone(datetime.UTC)
    cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
    applied = applied_in(cursor) if one_row(cursor)[0] else []
    return OpenedRows(reading, history(by_app(applied)), applied, str(version), cut_at, int(size), [], keeps_zones=True)
