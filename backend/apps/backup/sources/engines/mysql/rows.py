"""The rows of a MariaDB or MySQL database, as one transaction sees them."""

from __future__ import annotations

import contextlib
import datetime

from django.conf import settings as project

from ....portable.engines.mysql import MysqlReading
from ....portable.history import history
from ..opened_rows import OpenedRows, applied_in, by_app, one_row, timestamps_in
from .connection import fresh_connection, not_transactional


def open_rows(alias: str, stack: contextlib.ExitStack) -> OpenedRows:
    """Begin the transaction and return its rows. It ends with the stack."""
    wrapper = stack.enter_context(fresh_connection(alias))
    wrapper.inc_thread_sharing()
    cursor = stack.enter_context(wrapper.cursor())
    reading = MysqlReading(wrapper, cursor, timestamps=timestamps_in(alias, bare=not project.USE_TZ))
    reading.prepare()
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    now = datetime.datetime.now(datetime.UTC)
    cursor.execute(
        "SELECT VERSION(), coalesce(sum(data_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    version, size = one_row(cursor)
    loose = not_transactional(cursor, str(wrapper.settings_dict["NAME"]))
    warnings = [f"the table {name} is not InnoDB: its rows may be later than the consistency point" for name in loose]
    cursor.execute(
        "SELECT count(*) FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name = 'django_migrations'"
    )
    applied = applied_in(cursor) if one_row(cursor)[0] else []
    return OpenedRows(reading, history(by_app(applied)), applied, str(version), now, int(size), warnings)
