"""An EDMS with a repository, whose key opens at once; `new_edms` has none yet."""

from tests.backup.testing.fixtures import edms  # noqa: F401
