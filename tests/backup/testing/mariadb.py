"""A MariaDB server of our own for the tests: started, used and thrown away.

It listens on loopback only, on a free port, and wants a password that was made for this run. The program is the one of
Debian's `mariadb-server-core`, which brings no service of its own. It ends with the process that started it, however
that ends, and its data go with it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pymysql
import pymysql.cursors
import pytest

SCRIPTS = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
USER = "edms"
START_SECONDS = 60.0
ROOM = 1 << 30

# The shell waits for the server and, at the same time, for the end of its own input: that comes when the process that
# holds the other end of the pipe closes it or dies. Nothing is worth an orderly end: the data are removed at once.
WATCHED = (
    'exec 3<&0; "$@" & server=$!; { cat <&3 >/dev/null; kill -KILL $server 2>/dev/null; } & wait $server; rm -rf "$0"'
)
QUICK = (
    "--no-defaults",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-log-file-size=16M",
    "--innodb-data-file-path=ibdata1:5M:autoextend",
    "--innodb-buffer-pool-size=64M",
    # Memory file systems know no asynchronous writing.
    "--innodb-use-native-aio=0",
)


@dataclass(frozen=True)
class MariaDB:
    """A server that accepts connections; `user` may do everything."""

    folder: Path
    port: int
    password: str = field(repr=False)
    host: str = "127.0.0.1"
    user: str = USER
    others: frozenset[str] = frozenset()

    def url(self, database: str, user: str = USER) -> str:
        """The connection as a `DATABASE_URL`."""
        return f"mysql://{user}:{quote(self.password)}@{self.host}:{self.port}/{quote(database, safe='')}"

    def connect(self, database: str | None = None, user: str = USER) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A new connection in autocommit mode; the caller closes it."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=10,
            # Over loopback; reading every certificate of the machine takes longer than most tests.
            ssl_disabled=True,
        )

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Statements on a connection of their own; the rows of the last one."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def create_database(self, name: str) -> None:
        """Create an empty database."""
        self.run(f"CREATE DATABASE {quoted(name)} CHARACTER SET utf8mb4")

    def drop_database(self, name: str) -> None:
        """Drop a database with everything in it, if it is there."""
        self.run("SET foreign_key_checks = 0", f"DROP DATABASE IF EXISTS {quoted(name)}")

    def databases(self) -> set[str]:
        """The databases that are neither the server's own nor those of `others`."""
        own = {"information_schema", "performance_schema", "mysql", "sys"}
        return {str(row[0]) for row in self.run("SHOW DATABASES")} - own - self.others


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def server_program() -> str | None:
    """The server's program, if it is installed."""
    return shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")


@contextlib.contextmanager
def private_mariadb() -> Iterator[MariaDB]:
    """Start a server, yield it, stop it and remove its data."""
    program = server_program()
    assert program is not None, "mariadbd is not installed"
    data = Path(tempfile.mkdtemp(prefix="private-mariadb-", dir=_fast_place()))
    process: subprocess.Popen[bytes] | None = None
    try:
        password = secrets.token_urlsafe(24)
        _initialise(program, data, password)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        process = _spawn(program, data, port)
        server = MariaDB(data, port, password)
        _wait_until_ready(server, process, data)
        yield server
    finally:
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(60)
        shutil.rmtree(data, ignore_errors=True)


def _fast_place() -> str | None:
    """Memory, where there is room: every change of a table's name is forced to the disk, which takes most of a test."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM:
        return str(memory)
    return None


def _options(data: Path) -> list[str]:
    return [*QUICK, f"--datadir={data}", f"--user={pwd.getpwuid(os.geteuid()).pw_name}"]


def _initialise(program: str, data: Path, password: str) -> None:
    # As mariadb-install-db, without its hundreds of help pages.
    scripts = [(Path("/usr/share/mysql") / name).read_text() for name in SCRIPTS]
    account = f"'{USER}'@'127.0.0.1'"
    lines = ["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;", *scripts, "FLUSH PRIVILEGES;"]
    lines.append(f"CREATE USER {account} IDENTIFIED BY '{password}';")
    lines.append(f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;")
    done = subprocess.run(
        [program, *_options(data), "--bootstrap"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _spawn(program: str, data: Path, port: int) -> subprocess.Popen[bytes]:
    options = [
        *_options(data),
        "--bind-address=127.0.0.1",
        f"--port={port}",
        "--socket=socket",
        "--pid-file=pid",
        "--character-set-server=utf8mb4",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--max-connections=60",
    ]
    with (data / "server.log").open("wb") as output:
        return subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, str(data), program, *options],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )


def _wait_until_ready(server: MariaDB, process: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.connect().close()
        except pymysql.OperationalError:
            assert process.poll() is None, "mariadbd has ended; its folder is removed"
            assert time.monotonic() < deadline, (
                f"Waited {START_SECONDS} seconds for mariadbd; its log:\n{(data / 'server.log').read_text()[-2000:]}"
            )
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One server for the whole session; every test makes databases of its own."""
    if server_program() is None:
        pytest.skip("mariadb is not installed")
    with private_mariadb() as server:
        yield server
