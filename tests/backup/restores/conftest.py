"""The host projects of `tests.backup.sources.hosting`, and a server of MariaDB."""

from tests.backup.restores.mysql_places import limited, place  # noqa: F401
from tests.backup.restores.shapes import app_host, plain  # noqa: F401
from tests.backup.sources.hosting import (  # noqa: F401
    filled_postgres,
    filled_sqlite,
    host,
    postgres,
    postgres_host,
    sqlite_host,
)
