"""A MariaDB server with a database of a name that is hard to write, and what the tests put into it."""

import contextlib
import dataclasses
import datetime
import uuid

import pytest
from django.db import connections

from apps.backup.core.sql import backticked as quoted
from apps.backup.restores.engines.mysql import swap as move_mysql
from apps.backup.restores.engines.mysql.grants import like_pattern
from apps.backup.restores.journal import Component, Journal, Kind, State, only_restore
from config.environment import database

ALIAS = "maria"
# Quotes, spaces, another script, and no character that these servers refuse in names.
LIVE = 'the `EDMS` "böx" 猫'


@contextlib.contextmanager
def connected(alias, url, folder):
    """A database of the project under an alias of its own."""
    configured = connections.configure_settings({"default": {}, alias: database(url, folder)})
    connections.settings[alias] = configured[alias]
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


@pytest.fixture
def place(mariadb, tmp_path, django_db_blocker):
    """A server with one empty database, which is there for one test under `ALIAS`."""
    with django_db_blocker.unblock(), connected(ALIAS, mariadb.url(LIVE), tmp_path):
        # Other tests have databases on the same server.
        server = dataclasses.replace(mariadb, others=frozenset(mariadb.databases()))
        server.create_database(LIVE)
        yield server
    for name in server.databases():
        server.drop_database(name)


@pytest.fixture
def limited(place, tmp_path):
    """The same database under another alias, whose user may do nothing beside it."""
    place.run(
        f"CREATE OR REPLACE USER limited@'127.0.0.1' IDENTIFIED BY '{place.password}'",
        f"GRANT ALL ON {quoted(like_pattern(LIVE))}.* TO limited@'127.0.0.1'",
    )
    with connected("limited", place.url(LIVE, "limited"), tmp_path) as alias:
        yield alias


def component(**changes):
    names = {
        "live": LIVE,
        "staged": move_mysql.free_name(LIVE, "_new_12345678"),
        "kept": move_mysql.free_name(LIVE, "_old_12345678"),
    }
    return Component(**({"kind": Kind.MYSQL, "name": ALIAS, "had_live": True} | names | changes))


def journal_of(*components):
    with only_restore():
        journal = Journal(
            restore=uuid.uuid4(),
            backup="b",
            backup_job=None,
            restore_type="DATABASE_RESTORE",
            state=State.STAGING,
            created_at=datetime.datetime.now(datetime.UTC),
            components=list(components),
        )
        journal.save()
    return journal


def fill(server, name, content, *, tables=3):
    """A chain of tables, each with a foreign key to the one before, and one row in each."""
    where = quoted(name)
    statements = []
    for number in range(tables):
        table = f"{where}.{quoted(f't`{number} é')}"
        reference = (
            f", CONSTRAINT f{number} FOREIGN KEY (parent) REFERENCES {where}.{quoted(f't`{number - 1} é')} (id)"
            if number
            else ""
        )
        statements.append(f"CREATE TABLE {table} (id int PRIMARY KEY, parent int, content text{reference})")
        statements.append(f"INSERT INTO {table} VALUES (1, 1, '{content}')")
    server.run(*statements)


def content(server, name):
    """Return the content of all tables, which must be equal, and their number."""
    found = []
    with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
        for table, _ in cursor.fetchall():
            cursor.execute(f"SELECT content FROM {quoted(table)}")
            found.append(cursor.fetchone()[0])
    assert len(set(found)) <= 1, found
    return (found[0] if found else "", len(found))


def referred(server, name):
    """The databases that foreign keys of a database's tables refer to, as two places of the server say it."""
    rows = server.run(
        "SELECT DISTINCT UNIQUE_CONSTRAINT_SCHEMA FROM information_schema.REFERENTIAL_CONSTRAINTS"
        f" WHERE CONSTRAINT_SCHEMA = '{name}'"
    )
    with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        shown = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SHOW CREATE TABLE {quoted(table)}")
            shown.append(cursor.fetchone()[1])
    # A table of another database would be named with it.
    assert not any("`.`" in text for text in shown), shown
    return [row[0] for row in rows]


def add_triggers(server, name, word):
    table = f"{quoted(name)}.{quoted('t`1 é')}"
    server.run(
        "CREATE USER IF NOT EXISTS somebody@localhost",
        "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
        f"CREATE DEFINER = somebody@localhost TRIGGER {quoted(name)}.{quoted('z 100%')} BEFORE INSERT ON {table}"
        f" FOR EACH ROW SET NEW.\"content\" = CONCAT('{word}\\ 猫 ', NEW.content)",
        f"CREATE TRIGGER {quoted(name)}.a BEFORE INSERT ON {table} FOR EACH ROW SET NEW.content = UPPER(NEW.content)",
        f"GRANT ALL ON {quoted(like_pattern(name))}.* TO somebody@localhost",
    )
