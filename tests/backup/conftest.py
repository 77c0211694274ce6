"""An EDMS of its own for each test: a home folder with a real SQLite database, driven by real processes."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest
from tests.backup.mariadb import mariadb  # noqa: F401  a fixture

BACKEND = Path(__file__).resolve().parents[2] / "backend"
PASSPHRASE = "correct horse battery staple"


@dataclasses.dataclass
class Edms:
    """A project in a home folder. `environment` is what its commands see besides PATH."""

    home: Path
    environment: dict[str, str]

    @classmethod
    def copied(cls, template: Path, home: Path) -> Self:
        """A copy of a home, with a few files and a passphrase."""
        shutil.copytree(template, home)
        project = cls(home, {"BACKUP_PASSWORD": PASSPHRASE})
        project.add_files(5)
        return project

    @property
    def database(self) -> Path:
        return next(self.home.glob("*.sqlite3"))

    @property
    def media(self) -> Path:
        return self.home / "media"

    @property
    def storage(self) -> Path:
        return self.home / "backups"

    def start(self, *arguments: str, before: Sequence[str] = (), **changes: str | None) -> subprocess.Popen[str]:
        environment = {"PATH": os.environ["PATH"], "EDMS_HOME": str(self.home), **self.environment, **changes}
        return subprocess.Popen(
            [*before, sys.executable, str(BACKEND / "manage.py"), *arguments],
            env={name: value for name, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, expect: int = 0, **changes: str | None) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **changes)
        out, err = process.communicate(timeout=120)
        assert process.returncode == expect, f"exit {process.returncode}, expected {expect}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, expect: int = 0, **changes: str | None) -> dict:
        return json.loads(self.run(*arguments, "--json", expect=expect, **changes).stdout)

    def rows(self, query: str, *parameters: object) -> list[tuple]:
        with sqlite3.connect(self.database, timeout=30) as connection:
            found = connection.execute(query, parameters).fetchall()
        connection.close()
        return found

    def write(self, query: str, *parameters: object) -> None:
        with sqlite3.connect(self.database, timeout=30) as connection:
            connection.execute(query, parameters)
        connection.close()

    def wait_for_job(self, condition: str, *, process: subprocess.Popen[str], seconds: float = 60) -> None:
        """Wait until a job's row satisfies an SQL condition while `process` runs."""
        deadline = time.monotonic() + seconds
        while not self.rows(f"SELECT 1 FROM backup_backupjob WHERE {condition}"):
            assert process.poll() is None, f"the process ended first: {process.communicate()}"
            assert time.monotonic() < deadline, f"no job with {condition}"
            time.sleep(0.02)

    def add_files(self, count: int = 20, *, size: int = 2000, folder: str = "papers") -> None:
        target = self.media / folder
        target.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (target / f"paper-{number:05}.bin").write_bytes(os.urandom(size))


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a migrated, empty database, to be copied."""
    home = tmp_path_factory.mktemp("migrated")
    Edms(home, {}).run("migrate", "-v0")
    return home


@pytest.fixture
def edms(migrated_home: Path, tmp_path: Path) -> Edms:
    """A migrated EDMS with a few files and a passphrase."""
    return Edms.copied(migrated_home, tmp_path / "home")


def kill(process: subprocess.Popen[str]) -> None:
    """End a child without giving it a chance, and wait for it."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
