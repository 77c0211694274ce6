"""An EDMS of its own for each test: a home folder with a real SQLite database, driven by real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms
from tests.backup.testing.mariadb import mariadb  # noqa: F401  a fixture


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a migrated, empty database, to be copied."""
    home = tmp_path_factory.mktemp("migrated")
    Edms(home, {}).run("migrate", "-v0")
    return home


@pytest.fixture
def new_edms(migrated_home: Path, tmp_path: Path) -> Edms:
    """A migrated EDMS with a few files and a passphrase, which has no storage yet."""
    return Edms.copied(migrated_home, tmp_path / "home")


@pytest.fixture
def edms(new_edms: Edms) -> Edms:
    """The same; where most tests make backups, the folder's conftest gives it a repository."""
    return new_edms
