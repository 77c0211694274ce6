"""A host project with every column type, on SQLite and on a real PostgreSQL server of the test session."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backup.testing.edms import BACKEND, PASSPHRASE, Edms

from demo.private_postgres import RunningServer, private_postgres

PROJECTS = Path(__file__).parent / "projects" / "sources"


class Host(Edms):
    """The host project; `server` and `name` are its PostgreSQL database, if it is on one."""

    server: RunningServer | None = None
    name: str = ""

    def dump(self) -> list[str]:
        return self.run("host_dump").stdout.splitlines()

    def tree(self) -> dict[str, tuple[int, int, str]]:
        """Everything below media: mode, time, hash."""
        found = {}
        for path in sorted(self.media.rglob("*")):
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            found[str(path.relative_to(self.media))] = (status.st_mode, status.st_mtime_ns, content)
        return found

    def destroy(self) -> None:
        """Lose database and files."""
        shutil.rmtree(self.media)
        if self.server is not None:
            self.server.drop_database(self.name)
        else:
            for path in self.home.glob("edms.sqlite3*"):
                path.unlink()

    def leftovers(self) -> list[str]:
        """Names of what restores have put beside the live things."""
        found = [path.name for path in self.home.iterdir() if ".edms-restore-" in path.name]
        if self.server is not None:
            with self.server.connect() as connection:
                rows = connection.execute(
                    "SELECT datname FROM pg_database WHERE datname LIKE %s", (self.name + "\\_%",)
                )
                found += [str(row[0]) for row in rows]
        return sorted(found)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with private_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def environment() -> dict[str, str]:
    """Return the environment of every command of the project."""
    return {
        "BACKUP_PASSWORD": PASSPHRASE,
        "DJANGO_SETTINGS_MODULE": "hostproject.settings",
        "PYTHONPATH": os.pathsep.join([str(PROJECTS), str(BACKEND)]),
    }


@pytest.fixture(scope="session")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled home on SQLite, to be copied."""
    host = Host(tmp_path_factory.mktemp("filled"), environment())
    host.run("migrate", "-v0", "--run-syncdb")
    host.run("host_fill")
    return host.home


@pytest.fixture(scope="session")
def filled_postgres(tmp_path_factory: pytest.TempPathFactory, postgres: RunningServer) -> Path:
    """The same on PostgreSQL, in the database `filled`."""
    postgres.create_database("filled")
    url = postgres.url("filled")
    host = Host(tmp_path_factory.mktemp("filled"), {**environment(), "DATABASE_URL": url})
    host.run("migrate", "-v0", "--run-syncdb")
    host.run("host_fill")
    return host.home


def _copied(filled: Path, home: Path) -> Host:
    shutil.copytree(filled, home)
    host = Host(home, environment())
    host.have_repository()
    return host


def make_sqlite_host(filled: Path, tmp_path: Path) -> Host:
    return _copied(filled, tmp_path / "home")


def make_postgres_host(filled: Path, tmp_path: Path, server: RunningServer) -> Host:
    name = f"host-{uuid.uuid4().hex[:8]}"
    with server.connect() as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE filled')
        connection.execute(f'ALTER DATABASE "{name}" SET search_path TO "$user", public, "Second Schema"')
        connection.execute(f"ALTER DATABASE \"{name}\" SET statement_timeout TO '30s'")
    host = _copied(filled, tmp_path / "home")
    host.environment["DATABASE_URL"] = server.url(name)
    host.server, host.name = server, name
    return host


@pytest.fixture
def sqlite_host(filled_sqlite: Path, tmp_path: Path) -> Host:
    return make_sqlite_host(filled_sqlite, tmp_path)


@pytest.fixture
def postgres_host(filled_postgres: Path, tmp_path: Path, postgres: RunningServer) -> Iterator[Host]:
    host = make_postgres_host(filled_postgres, tmp_path, postgres)
    yield host
    postgres.drop_database(host.name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def host(request: pytest.FixtureRequest) -> Host:
    """The same test on both databases."""
    return request.getfixturevalue("sqlite_host" if request.param == "sqlite" else "postgres_host")


def start_with_file_limit(host, kilobytes, *arguments):
    """A command that may not write files larger than so much, as if the disk were full."""
    environment = {"PATH": os.environ["PATH"], "EDMS_HOME": str(host.home), **host.environment}
    command = ["/bin/bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash"]
    return subprocess.run(  # noqa: PLW1510  the caller looks at the exit code
        [*command, sys.executable, str(BACKEND / "manage.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
