"""The host projects of `tests.backup.testing.hosting`, and a server of MariaDB."""

from tests.backup.testing.hosting import (  # noqa: F401
    filled_postgres,
    filled_sqlite,
    host,
    postgres,
    postgres_host,
    sqlite_host,
)
from tests.backup.testing.mysql_places import limited, place  # noqa: F401
from tests.backup.testing.shapes import app_host, plain  # noqa: F401
