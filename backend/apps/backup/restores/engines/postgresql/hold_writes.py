"""Make sessions of PostgreSQL wait with their writes, from the backup of the live state to the swap.

A session of the restore locks the tables for writers. It writes nothing itself: the locks end with its process, also
after a kill. Readers continue, and so does the restore's own catalogue. The swap ends all sessions: writers that wait
get an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.apps import apps

from ....core.sql import quoted
from ....ledger import ledger_tables
from ....sources.engines.postgresql.dump import fresh_connection

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_LOCK_PATIENCE: Final = "10s"
"""The time to wait for transactions that write to a table. Later writers wait meanwhile."""
_PATIENCE: Final = "60s"
"""The time limit for all tables of a database."""
_BOOKKEEPING: Final = frozenset({"sessions", "django_celery_beat", "django_celery_results"})
"""Applications that write without a user saving data, on reads or on runs of tasks; they need not be held."""
_TABLES: Final = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%%' AND c.relname <> ALL (%s)
      AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
    ORDER BY 1, 2
"""


@contextlib.contextmanager
def held(alias: str) -> Iterator[None]:
    """Lock the tables of a database for writers. Raises Django's database errors."""
    with fresh_connection(alias) as wrapper, contextlib.ExitStack() as stack:
        cursor = stack.enter_context(wrapper.cursor())
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [_LOCK_PATIENCE])
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [_PATIENCE])
        cursor.execute("BEGIN")
        _lock_tables(cursor)
        yield


def _lock_tables(cursor: CursorWrapper) -> None:
    # Foreign keys of the catalogue's rows are checked in other tables, which this lock mode permits.
    free = ledger_tables()
    free += [model._meta.db_table for model in apps.get_models() if model._meta.app_label in _BOOKKEEPING]
    cursor.execute(_TABLES, [free])
    names = [f"{quoted(str(schema))}.{quoted(str(table))}" for schema, table in cursor.fetchall()]
    if names:
        cursor.execute(f"LOCK TABLE {', '.join(names)} IN SHARE MODE")
