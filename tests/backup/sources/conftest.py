"""The host projects of `tests.backup.testing.hosting`."""

from tests.backup.testing.hosting import (  # noqa: F401
    filled_postgres,
    filled_sqlite,
    host,
    postgres,
    postgres_host,
    sqlite_host,
)
