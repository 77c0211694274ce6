"""The host projects of `tests.backup.sources.hosting`, and GnuPG."""

from tests.backup.sources.hosting import (  # noqa: F401
    filled_postgres,
    filled_sqlite,
    host,
    postgres,
    postgres_host,
    sqlite_host,
)
from tests.engine.packages.gnupg import gpg  # noqa: F401
