"""Databases as applications have them, each an SQL file in `tests/hosts/postgresql` with what is expected of it.

A file has sections: `-- expect:` says whether the database comes back, or what fails; `-- as:` runs SQL as a role;
`-- leave out:` names what a restore can do without; `-- compare:` has queries whose answers are the same afterwards;
`-- refused from:` is the version of servers that do not make such a thing any more. `:database` is the name of the
database, `:reader` that of a role of its own.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backup.testing.hosting import Host, environment

from demo.private_postgres import RunningServer

FOLDER = Path(__file__).parents[2] / "hosts/postgresql"
APP = "app"


@dataclasses.dataclass(frozen=True)
class Shape:
    """One of the files."""

    name: str
    expected: str
    steps: list[tuple[str, str]]
    leave_out: list[str]
    queries: list[str]
    refused_from: int

    @property
    def fails(self) -> list[str]:
        """Return the object that a rehearsal names."""
        word, _, rest = self.expected.partition(" ")
        return rest.split(", ") if word == "FAILED" else []

    def apply(self, host: Host, server: RunningServer) -> None:
        """Make it in the host's database."""
        for role, sql in self.steps:
            who = application(server) if role == APP else server
            with who.connect(host.name) as connection:
                connection.execute(_named(sql, host))

    def answers(self, host: Host, server: RunningServer) -> list[list[tuple]]:
        """Return the rows of its queries, as the application sees them."""
        with application(server).connect(host.name) as connection:
            return [connection.execute(_named(query, host)).fetchall() for query in self.queries]


def application(server: RunningServer) -> RunningServer:
    """The same server for the application, which is no superuser."""
    return dataclasses.replace(server, user=APP, password=APP)


def _named(sql: str, host: Host) -> str:
    return sql.replace(":database", f'"{host.name}"').replace(":reader", reader(host))


def reader(host: Host) -> str:
    """The role of the test."""
    return "reader_" + host.name.rpartition("-")[2]


def read(path: Path) -> Shape:
    parts = re.split(r"^-- (expect|refused from|as|leave out|compare):(.*)$", path.read_text(), flags=re.MULTILINE)
    expected, steps, leave_out, queries, refused_from = "", [], [], [], 1000
    for kind, argument, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if kind == "expect":
            expected = argument.strip()
        elif kind == "refused from":
            refused_from = int(argument)
        elif kind == "as":
            steps.append((argument.strip(), text))
        elif kind == "leave out":
            leave_out = argument.split()
        else:
            queries = [query.strip() for query in text.split(";\n") if query.strip()]
    return Shape(path.stem, expected, steps, leave_out, queries, refused_from)


SHAPES = [read(path) for path in sorted(FOLDER.glob("*.sql"))]


@pytest.fixture(scope="session")
def plain(postgres: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose database `plain` belongs to the application."""
    with postgres.connect() as connection:
        connection.execute(f"CREATE ROLE {APP} LOGIN CREATEDB PASSWORD '{APP}'")
        connection.execute(f"CREATE DATABASE plain TEMPLATE template0 ENCODING 'UTF8' OWNER {APP}")
    url = application(postgres).url("plain")
    host = Host(tmp_path_factory.mktemp("plain"), {**environment(), "DATABASE_URL": url})
    host.run("migrate", "-v0", "--run-syncdb")
    host.media.mkdir(exist_ok=True)
    return host.home


@pytest.fixture
def app_host(plain: Path, postgres: RunningServer, tmp_path: Path) -> Iterator[Host]:
    """A project whose role is no superuser, and owns its database."""
    name = f"app-{uuid.uuid4().hex[:8]}"
    with postgres.connect() as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE plain OWNER {APP}')
    home = tmp_path / "home"
    shutil.copytree(plain, home)
    host = Host(home, {**environment(), "DATABASE_URL": application(postgres).url(name)})
    host.have_repository()
    host.server, host.name = postgres, name
    yield host
    for left in (host.name, *host.leftovers()):
        postgres.drop_database(left)
    with postgres.connect() as connection:
        connection.execute(f"ALTER ROLE {APP} NOSUPERUSER CREATEDB")
        for role in (reader(host), f"{reader(host)} two"):
            connection.execute(f'DROP ROLE IF EXISTS "{role}"')
