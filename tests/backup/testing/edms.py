"""An EDMS in a home folder, driven by real processes."""

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.backup.testing.forks import BACKEND, run_forked

from strongroom.backends import LocalBackend
from strongroom.format.key import Cost
from strongroom.repository import Repository

PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(n=128, r=1, p=1)
"""The cost of a key that is quick to compute, and protects nothing."""


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

    def have_repository(self, folder: str = "") -> None:
        """One in a place below the storage, with a key that opens at once; a first backup makes one that takes long."""
        place = self.storage / folder
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        Repository.init(LocalBackend(place / "repository"), PASSPHRASE, cost=CHEAP)

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
        """A fresh process, to be watched, signalled and killed."""
        return subprocess.Popen(
            [*before, sys.executable, str(BACKEND / "manage.py"), *arguments],
            env=self._environment(changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, expect: int | None = 0, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """A process that is waited for; `expect` is its exit code, None any."""
        done = run_forked(arguments, self._environment(changes))
        if expect is not None:
            assert done.returncode == expect, f"exit {done.returncode}, expected {expect}\n{done.stdout}\n{done.stderr}"
        return done

    def _environment(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        own = {"EDMS_HOME": str(self.home), "BACKUP_FALLBACK_ROOT": str(self.home / "fallback")}
        environment = {"PATH": os.environ["PATH"], **own, **self.environment, **changes}
        return {name: value for name, value in environment.items() if value is not None}

    def json(self, *arguments: str, expect: int | None = 0, **changes: str | None) -> dict:
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
            assert time.monotonic() < deadline, (
                f"Waited {seconds:g} seconds for a job with {condition}; seen last: "
                f"{self.rows('SELECT status, error_message FROM backup_backupjob')}"
            )
            time.sleep(0.02)

    def add_files(self, count: int = 20, *, size: int = 2000, folder: str = "papers") -> None:
        target = self.media / folder
        target.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (target / f"paper-{number:05}.bin").write_bytes(os.urandom(size))


def kill(process: subprocess.Popen[str]) -> None:
    """End a child without giving it a chance, and wait for it."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
