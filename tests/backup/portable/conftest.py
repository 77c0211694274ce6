"""Projects with every kind of field, on every kind of database."""

from __future__ import annotations

import shutil
import uuid

import pytest
from tests.backup.testing.hosting import postgres  # noqa: F401  a fixture
from tests.backup.testing.zoo import MakeZoo, Zoo, of_server


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> MakeZoo:
    """Makes a project on a new database of a kind; `migrated` where its tables are to be there."""
    templates: dict[str, Zoo] = {}

    def make(engine: str, *, migrated: bool = False, **variables: str) -> Zoo:
        home = tmp_path_factory.mktemp(engine) / "home"
        name = f"zoo_{uuid.uuid4().hex[:12]}"
        template = template_of(engine) if migrated and not variables else None
        if engine == "sqlite":
            settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(home / "zoo.sqlite3")}
            made = Zoo.on(settings, home, **variables)
            if template is not None:
                shutil.copy(template.name, made.name)
        else:
            server = request.getfixturevalue({"postgresql": "postgres", "mysql": "mariadb"}[engine])
            if template is None:
                server.create_database(name)
            else:
                with server.connect() as connection:
                    connection.execute(f"CREATE DATABASE {name} TEMPLATE {template.name}")
            made = Zoo.on(of_server(engine, server, name), home, **variables)
        if migrated and template is None:
            made.run("migrate", "-v0")
        return made

    def template_of(engine: str) -> Zoo | None:
        """A migrated one, to be copied; a MariaDB server copies no databases."""
        if engine not in templates and engine != "mysql":
            templates[engine] = make(engine)
            templates[engine].run("migrate", "-v0")
        return templates.get(engine)

    return make
