"""Hosts and brokers for the executors; what cannot be started is named in the reason of the skip."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.backup.testing.brokers import (
    Server,
    private_rabbitmq,
    private_redis,
    rabbitmq_program,
    redis_program,
)
from tests.backup.testing.edms import Edms
from tests.backup.testing.executor_hosts import CONFIGURE, Host, new_host

from demo.private_postgres import RunningServer, private_postgres, server_binaries


@pytest.fixture(scope="session")
def configured_home(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose catalogue has a few configurations, to be copied."""
    home = tmp_path_factory.mktemp("configured") / "home"
    shutil.copytree(migrated_home, home)
    Edms(home, {}).run("shell", "-c", CONFIGURE)
    return home


@pytest.fixture
def host(configured_home: Path, tmp_path: Path) -> Iterator[Host]:
    with new_host(configured_home, tmp_path) as made:
        yield made


@pytest.fixture
def measured() -> Callable[[str, object], None]:
    """Return a function that logs figures, which --log-cli-level=INFO shows."""

    def note(what: str, value: object) -> None:
        logging.getLogger("figures").info("%s: %s", what, value)

    return note


@pytest.fixture
def busy(host: Host) -> Host:
    """An EDMS whose backup takes a few seconds."""
    host.add_files(60, size=2_000_000, folder="scans")
    return host


@pytest.fixture
def endless(host: Host) -> Host:
    """An EDMS whose backup takes minutes: a file of hundreds of gigabytes, none of which is on the disk."""
    with (host.media / "endless.bin").open("wb") as file:
        file.truncate(400 << 30)
    return host


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, which it may kill."""
    if redis_program() is None:
        pytest.skip("redis-server is not installed")
    with private_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the tests of one module."""
    if redis_program() is None:
        pytest.skip("redis-server is not installed")
    with private_redis(tmp_path_factory.mktemp("redis") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests, because it takes long to start: each test has a queue of its own."""
    if rabbitmq_program() is None:
        pytest.skip("rabbitmq-server is not installed")
    with private_rabbitmq(tmp_path_factory.mktemp("rabbitmq") / "node") as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the database `migrated`, to be copied."""
    if not server_binaries():
        pytest.skip("postgresql is not installed")
    with private_postgres(tmp_path_factory.mktemp("postgres")) as server:
        server.create_database("migrated")
        home = tmp_path_factory.mktemp("postgres-home")
        project = Edms(home, {"DATABASE_URL": server.url("migrated")})
        project.run("migrate", "-v0")
        project.run("shell", "-c", CONFIGURE)
        yield server


@pytest.fixture
def postgres_host(postgres: RunningServer, host: Host) -> Host:
    """A host whose catalogue is in PostgreSQL."""
    with postgres.connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS edms WITH (FORCE)")
        connection.execute("CREATE DATABASE edms TEMPLATE migrated")
    for file in host.home.glob("*.sqlite3*"):
        file.unlink()
    host.environment["DATABASE_URL"] = postgres.url("edms")
    host.server = postgres
    return host
