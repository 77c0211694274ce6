"""Refused connections name the remedy for their reason, on real servers."""

from __future__ import annotations

import socket

import pytest
from django.db import Error as DatabaseFailure
from django.db import connections
from tests.backup.testing.mysql_places import ALIAS, connected

from apps.backup.core.server_errors import advice_for
from apps.backup.errors import RestoreFailed
from apps.backup.restores.engines.mysql import server as mysql_server
from apps.backup.sources.engines.postgresql.schema.server import server
from demo.private_postgres import private_postgres

PASSWORD = "Correct USER and PASSWORD"
CASES = [
    ("PASSWORD", "wrong", PASSWORD),
    ("USER", "nobody_here", PASSWORD),
    ("NAME", "no_such", "Create the database"),
    ("PORT", "closed", "Start the server"),
    ("HOST", "no-such-host.invalid", "Correct HOST"),
]


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def mistaken(url: str, folder) -> dict[str, str]:
    """Return remedies that do not help, by the part of the settings that is wrong."""
    found = {}
    for part, value, helps in CASES:
        with connected(ALIAS, url, folder):
            settings = connections[ALIAS].settings_dict
            settings[part] = free_port() if value == "closed" else value
            with pytest.raises(DatabaseFailure) as caught:
                connections[ALIAS].ensure_connection()
            if not advice_for(caught.value).startswith(helps):
                found[part] = f"{caught.value}: {advice_for(caught.value)}"
            if part == "PASSWORD":
                enter = mysql_server.server if connections[ALIAS].vendor == "mysql" else server
                with (
                    pytest.raises(RestoreFailed, match=f"There is no connection to the server .*{PASSWORD}"),
                    enter(ALIAS),
                ):
                    pass
    return found


@pytest.mark.postgresql
def test_postgresql(tmp_path, django_db_blocker):
    with private_postgres(tmp_path / "server") as running, django_db_blocker.unblock():
        assert mistaken(running.url("postgres"), tmp_path) == {}


@pytest.mark.mariadb
def test_mariadb(mariadb, tmp_path, django_db_blocker):
    with django_db_blocker.unblock():
        assert mistaken(mariadb.url("mysql"), tmp_path) == {}


def test_unknown_server_errors_get_general_advice():
    assert advice_for(DatabaseFailure("the server has a cold")).startswith("Look whether the server runs")
    assert advice_for(DatabaseFailure(9999, "unheard of"), otherwise="Ask.") == "Ask."
