"""Projects with every kind of field, on every kind of database."""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.backup.testing.edms import BACKEND, PASSPHRASE, Edms

PROJECTS = Path(__file__).parent / "projects" / "portable"
ENGINES = ("sqlite", "postgresql", "mysql")


@dataclasses.dataclass
class Zoo(Edms):
    """A project on a database of its own, which may not be there yet."""

    @classmethod
    def on(cls, database: dict[str, object], home: Path, **variables: str) -> Zoo:
        (home / "media").mkdir(parents=True, exist_ok=True)
        environment = {
            "PYTHONPATH": f"{PROJECTS}{os.pathsep}{BACKEND}",
            "DJANGO_SETTINGS_MODULE": "zoo_settings",
            "ZOO_DATABASE": json.dumps(database),
            "BACKUP_PASSWORD": PASSPHRASE,
            **variables,
        }
        return cls(home, environment)

    def fill(self) -> list[str]:
        """Migrate and fill; every value."""
        return self.run("zoo_fill").stdout.splitlines()

    def show(self) -> list[str]:
        """Every value of every table."""
        return self.run("zoo_show").stdout.splitlines()

    def export(self, *options: str) -> Path:
        """A package of everything."""
        package = self.home / f"{uuid.uuid4()}.tar.gz"
        arguments = ("--type", "EXPORT", "--no-encryption", "--output", str(package))
        assert self.json("trigger_backup", *arguments, *options)["status"] == "COMPLETED"
        return package

    def take_in(self, package: Path, *options: str) -> dict:
        return self.json("restore_backup", "--package", str(package), "--yes", "--no-safety-backup", *options)

    def plan(self, package: Path, *options: str, blocked: bool = False) -> dict:
        return self.json("restore_backup", "--package", str(package), "--dry-run", *options, expect=int(blocked))

    @property
    def settings(self) -> dict:
        """Of its database."""
        return json.loads(self.environment["ZOO_DATABASE"])

    @property
    def name(self) -> str:
        """Of its database."""
        return self.settings["NAME"]

    def sql(self, statement: str) -> None:
        """Run a statement past every model."""
        self.run("shell", "-c", f"from django.db import connection as c; c.cursor().execute({statement!r})")

    def query(self, statement: str) -> str:
        """Return the rows of a query, without models."""
        program = (
            f"from django.db import connection as d; c = d.cursor(); c.execute({statement!r}); print(c.fetchall())"
        )
        return self.run("shell", "-c", program).stdout


SAMPLED = """
from apps.backup.sources.sample_rows import sample, text_tables
found = sample("default", text_tables(without=frozenset({"backup"})))
print([found.unread, {column.label: len(values) for column, values in found.values.items()}])
"""
"""Shows how many values of each column of text are looked at."""

MakeZoo = Callable[..., Zoo]


def of_server(engine: str, server: Any, name: str) -> dict[str, object]:
    """The settings of a database on a server."""
    settings: dict[str, object] = {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": name,
        "USER": server.user,
        "PASSWORD": server.password,
        "HOST": server.host,
        "PORT": str(server.port),
    }
    if engine == "mysql":
        settings["OPTIONS"] = {"charset": "utf8mb4", "ssl_disabled": True}
    return settings


def kept(values: list[str], target: str) -> list[str]:
    """Return the values as a kind of database keeps them: only PostgreSQL keeps the sign of a zero."""
    return values if target == "postgresql" else [line.replace(" -0.0,", " 0.0,") for line in values]
