"""The shell of the mission document, an EDMS with a repository, the host projects, and GnuPG."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms
from tests.backup.testing.fixtures import edms  # noqa: F401
from tests.backup.testing.hosting import (  # noqa: F401
    filled_postgres,
    filled_sqlite,
    host,
    postgres,
    postgres_host,
    sqlite_host,
)
from tests.backup.testing.shell import Shell
from tests.engine.testing.gnupg import gpg  # noqa: F401


@pytest.fixture(scope="session")
def installed_home(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated home with the production policies installed, to be copied."""
    home = tmp_path_factory.mktemp("installed") / "home"
    shutil.copytree(migrated_home, home)
    Edms(home, {}).run("manage_backup_configs", "--install-production")
    return home


@pytest.fixture
def shell(installed_home: Path, tmp_path: Path) -> Shell:
    """An EDMS as the document describes it: with the five policies, and a few documents."""
    return Shell(Edms.copied(installed_home, tmp_path / "home"), tmp_path / "bin")
