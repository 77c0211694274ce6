"""The EDMS of the demo as its user meets it: commands typed, a database and a media folder that can be destroyed."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from .private_postgres import RunningServer
from .tables import PostgresTables, SqliteTables, TableSource

BACKEND: Final = Path(__file__).resolve().parent.parent
DATABASE_NAME: Final = "edms"
LAST_WORDS: Final = 4_000


class StoryError(Exception):
    """A command of the story failed; the text says which, how, and its last words."""


class Database(Protocol):
    """The EDMS's database: how its commands find it, how it is read, and how it is destroyed."""

    @property
    def kind(self) -> str:
        """The name in reports."""
        ...

    def environment(self) -> Mapping[str, str]:
        """The variables that lead the EDMS to it."""
        ...

    def tables(self) -> TableSource:
        """Its tables, to be captured."""
        ...

    def destroy(self) -> str:
        """Destroy it, and say how in a user's words."""
        ...


@dataclass(frozen=True)
class SqliteDatabase:
    """A file in the EDMS's home."""

    home: Path
    kind: str = "SQLite"

    @property
    def path(self) -> Path:
        """The database file."""
        return self.home / "edms.sqlite3"

    def environment(self) -> Mapping[str, str]:
        """None: the file is where the EDMS has it by default."""
        return {"DATABASE_URL": ""}

    def tables(self) -> TableSource:
        """Its tables, to be captured."""
        return SqliteTables(self.path)

    def destroy(self) -> str:
        """Remove the file with its journals."""
        for path in self.home.glob("edms.sqlite3*"):
            path.unlink()
        return f"rm {self.path}*"


@dataclass(frozen=True)
class PostgresDatabase:
    """A database on a private server."""

    server: RunningServer
    kind: str = "PostgreSQL"

    def environment(self) -> Mapping[str, str]:
        """Its address, and the client programs of the server's own version first."""
        return {
            "DATABASE_URL": self.server.url(DATABASE_NAME),
            "PATH": f"{self.server.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def tables(self) -> TableSource:
        """Its tables, to be captured."""
        return PostgresTables(self.server.dsn(DATABASE_NAME))

    def destroy(self) -> str:
        """Drop the database."""
        self.server.drop_database(DATABASE_NAME)
        return f"DROP DATABASE {DATABASE_NAME}"


@dataclass(frozen=True)
class Answer:
    """The JSON that a command printed, and the seconds that it took."""

    values: Mapping[str, object]
    seconds: float

    def text(self, name: str) -> str:
        """A value that must be text."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise StoryError(f"The answer has no text {name!r}: {json.dumps(dict(self.values))[:LAST_WORDS]}")
        return value

    def number(self, name: str) -> int:
        """A value that must be a whole number."""
        value = self.values.get(name)
        if not isinstance(value, int):
            raise StoryError(f"The answer has no number {name!r}: {json.dumps(dict(self.values))[:LAST_WORDS]}")
        return value


@dataclass(frozen=True)
class Edms:
    """A running installation: its home, its database and the variables it is given."""

    home: Path
    database: Database
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def media(self) -> Path:
        """The folder of the documents' contents."""
        return self.home / "media"

    @property
    def backups(self) -> Path:
        """The folder of the repositories."""
        return self.home / "backups"

    def exports(self) -> list[str]:
        """Return the variables to export before typing the commands of the story, without any secret."""
        shown = {"EDMS_HOME": str(self.home), **self.variables}
        return [f"export {name}={shlex.quote(value)}" for name, value in shown.items()]

    def manage(self, *words: str) -> Answer:
        """Run `manage.py` with these words; StoryError unless it ends well. Its answer, if it gives one, is JSON."""
        return self._run(["backend/manage.py", *words], [sys.executable, str(BACKEND / "manage.py"), *words])

    def module(self, *words: str) -> Answer:
        """Run `python -m` with these words; as `manage`."""
        return self._run(["-m", *words], [sys.executable, "-m", *words])

    def destroy(self) -> list[str]:
        """Destroy the database and every document's content, and say how."""
        done = [self.database.destroy()]
        shutil.rmtree(self.media)
        return [*done, f"rm -r {self.media}"]

    def _run(self, shown: list[str], command: list[str]) -> Answer:
        print(f"$ {shlex.join(['.venv/bin/python', *shown])}", flush=True)
        environment = {
            **os.environ,
            "EDMS_HOME": str(self.home),
            "BACKUP_STORAGE_ROOT": str(self.backups),
            **self.database.environment(),
            **self.variables,
            "PYTHONPATH": str(BACKEND),
        }
        started = time.monotonic()
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False, cwd=BACKEND.parent)
        seconds = time.monotonic() - started
        output = done.stdout.decode("utf-8", "replace").strip()
        if done.returncode:
            raise StoryError(f"{shlex.join(shown)} ended with exit code {done.returncode}. {output[-LAST_WORDS:]}")
        if "--json" not in shown and shown[0] != "-m":
            return Answer({}, seconds)
        try:
            values = json.loads(output)
        except ValueError as error:
            raise StoryError(f"{shlex.join(shown)} printed no JSON object: {output[-LAST_WORDS:]}") from error
        return Answer(values, seconds)
