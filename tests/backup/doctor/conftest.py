"""An EDMS whose repository opens at once; `new_edms` is one that has none yet, `protected` one that needs nothing."""

import shutil
from pathlib import Path

import pytest
from tests.backup.testing.edms import PASSPHRASE, Edms

NIGHTLY = ("--name", "nightly", "--type", "FULL", "--frequency", "DAILY", "--time", "02:00")


@pytest.fixture
def edms(new_edms: Edms) -> Edms:
    new_edms.have_repository()
    return new_edms


@pytest.fixture(scope="session")
def protected_home(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a schedule, a good backup of it, and a cron that runs what is due; to be copied."""
    edms = Edms.copied(migrated_home, tmp_path_factory.mktemp("protected") / "home")
    edms.have_repository()
    edms.run("manage_backup_configs", "--create", *NIGHTLY)
    edms.run("trigger_backup", "--config", "nightly")
    edms.run("backup_run_due")
    return edms.home


@pytest.fixture
def protected(protected_home: Path, tmp_path: Path) -> Edms:
    """A protected EDMS in a home of its own."""
    home = tmp_path / "home"
    shutil.copytree(protected_home, home)
    return Edms(home, {"BACKUP_PASSWORD": PASSPHRASE})
