"""An EDMS with a repository, a protected one, the host projects, and GnuPG."""

from tests.backup.doctor.conftest import protected, protected_home  # noqa: F401
from tests.backup.testing.fixtures import edms  # noqa: F401
from tests.backup.testing.hosting import (  # noqa: F401
    filled_postgres,
    filled_sqlite,
    host,
    postgres,
    postgres_host,
    sqlite_host,
)
from tests.engine.testing.gnupg import gpg  # noqa: F401
