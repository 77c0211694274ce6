"""Database servers and a broker for the cells, started when one is first asked for, and databases on them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.backup.testing.brokers import redis_program
from tests.backup.testing.mariadb import MariaDB, private_mariadb, server_program

from demo.private_postgres import RunningServer, private_postgres

from .environments import NotRun
from .serving import free_port, running, wait_for_port


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    """One database of a cell: its settings, and how it is lost."""

    settings: dict[str, object]
    lose: Callable[[], None]


class Services:
    """Used as a context: what was started ends with it. May be asked by several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._guard = threading.RLock()
        self._postgres: RunningServer | None = None
        self._mariadb: MariaDB | None = None
        self._broker: int | None = None
        self._topics = iter(range(16))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def database(self, engine: str, alias: str, site: Path) -> Database:
        """A new, empty one for a cell. Raises `NotRun` where there is no server."""
        if engine == "sqlite":
            file = site / f"{alias}.sqlite3"
            return Database({"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}, lambda: _lose_files(file))
        name = f"host_{uuid.uuid4().hex[:10]}"
        server = self._server(engine)
        server.create_database(name)
        self._stack.callback(server.drop_database, name)
        settings = {
            "ENGINE": "django.db.backends." + ("postgresql" if engine == "postgresql" else "mysql"),
            "NAME": name,
            "HOST": server.host,
            "PORT": str(server.port),
            "USER": server.user,
            "PASSWORD": server.password,
        }
        return Database(settings, lambda: server.drop_database(name))

    def broker(self) -> str:
        """The address of a topic of its own in Redis. Raises `NotRun`."""
        with self._guard:
            if self._broker is None:
                program = redis_program()
                if program is None:
                    raise NotRun("needs redis-server")
                port, log = free_port(), self._folder / "broker.log"
                command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
                process = self._stack.enter_context(
                    running(command, {"PATH": os.environ["PATH"]}, folder=self._folder, log=log)
                )
                wait_for_port(port, process, log)
                self._broker = port
            return f"redis://127.0.0.1:{self._broker}/{next(self._topics)}"

    def _server(self, engine: str) -> RunningServer | MariaDB:
        with self._guard:
            if engine == "postgresql":
                if self._postgres is None:
                    self._postgres = self._stack.enter_context(private_postgres(self._folder))
                return self._postgres
            if self._mariadb is None:
                if server_program() is None:
                    raise NotRun("needs mariadbd")
                self._mariadb = self._stack.enter_context(private_mariadb())
            return self._mariadb


def _lose_files(file: Path) -> None:
    for path in file.parent.glob(file.name + "*"):
        path.unlink()


def lose_folder(folder: Path) -> None:
    """Remove a folder of documents, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)
