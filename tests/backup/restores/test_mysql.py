"""Databases of MariaDB: the scratch database, the swap by renaming tables, its ways back, and the ledger."""

import contextlib
import datetime
import json
import time
import uuid

import pymysql
import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.backup.models import BackupConfiguration, BackupJob, JobEvent, RestoreJob
from apps.backup.restores import move_mysql, mysql_server
from apps.backup.restores.carry import carry_mysql, ledger_models
from apps.backup.restores.errors import RestoreFailed
from apps.backup.restores.journal import Component, Journal, Kind, State, exclusive, journals
from apps.backup.restores.mysql_rights import Rights, like_pattern, parse_grants
from apps.backup.restores.mysql_server import fresh_connection, quoted
from apps.backup.restores.stage_mysql import check_server, create_scratch, left_behind, parse_version
from apps.backup.restores.swapping import complete_release, complete_rollback, swap
from config.environment import database

ALIAS = "maria"
# Quotes, spaces, another script, and no character that these servers refuse in names.
LIVE = 'the `EDMS` "böx" 猫'

pytestmark = pytest.mark.mariadb


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
        mariadb.create_database(LIVE)
        yield mariadb
    for name in mariadb.databases():
        mariadb.drop_database(name)


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
    with exclusive():
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
    """What all tables of a database hold, which must be the same, and how many they are."""
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


def test_two_hundred_tables_there_and_back_with_their_foreign_keys(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, LIVE, "old", tables=100)
    fill(place, one.staged, "new", tables=100)

    journal = journal_of(one)
    started = time.monotonic()
    swap(journal)
    assert time.monotonic() - started < 10

    assert content(place, LIVE) == ("new", 100)
    assert content(place, one.kept) == ("old", 100)
    assert referred(place, LIVE) == [LIVE]
    assert referred(place, one.kept) == [one.kept]
    assert place.databases() == {LIVE, one.kept}
    with pytest.raises(pymysql.IntegrityError):
        place.run(f"INSERT INTO {quoted(LIVE)}.{quoted('t`7 é')} VALUES (2, 99, '')")

    complete_rollback(journal)
    assert content(place, LIVE) == ("old", 100)
    assert referred(place, LIVE) == [LIVE]
    assert place.databases() == {LIVE}


def test_a_release_deletes_the_old_tables(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, LIVE, "old")
    fill(place, one.staged, "new")
    journal = journal_of(one)
    swap(journal)

    complete_release(journal)

    assert place.databases() == {LIVE}
    assert content(place, LIVE) == ("new", 3)


def test_what_is_no_table_stays(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, LIVE, "old")
    fill(place, one.staged, "new")
    live, staged = quoted(LIVE), quoted(one.staged)
    place.run(
        f"ALTER DATABASE {live} COLLATE utf8mb4_bin",
        f"CREATE VIEW {live}.v AS SELECT content FROM {live}.`t``0 é`",
        f"CREATE FUNCTION {live}.f() RETURNS int DETERMINISTIC RETURN 7",
        f"CREATE VIEW {staged}.w AS SELECT 1",
    )
    assert left_behind(ALIAS, live=LIVE, staged=one.staged) == ["view w"]

    swap(journal_of(one))

    assert place.run(f"SELECT content, {live}.f() FROM {live}.v") == [("new", 7)]
    assert "utf8mb4_bin" in place.run(f"SHOW CREATE DATABASE {live}")[0][1]
    assert "utf8mb4_bin" in place.run(f"SHOW CREATE DATABASE {quoted(one.kept)}")[0][1]


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


def triggered(server, name):
    table = f"{quoted(name)}.{quoted('t`1 é')}"
    server.run(f"REPLACE INTO {table} VALUES (5, 1, 'x')")
    return server.run(f"SELECT content FROM {table} WHERE id = 5")[0][0]


def shown_triggers(server, name):
    return [
        (row[0], row[1], row[2], row[3], row[4], row[6], row[7], row[9])
        for row in server.run(f"SHOW TRIGGERS IN {quoted(name)}")
    ]


def test_triggers_go_with_their_tables(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    for name, word in ((LIVE, "old"), (one.staged, "new")):
        fill(place, name, word)
        add_triggers(place, name, word)
    before, after = shown_triggers(place, LIVE), shown_triggers(place, one.staged)
    place.run(f"GRANT ALL ON {quoted(like_pattern(one.kept))}.* TO somebody@localhost")
    journal = journal_of(one)

    swap(journal)
    assert triggered(place, LIVE) == "NEW\\ 猫 X"
    assert shown_triggers(place, LIVE) == after
    assert shown_triggers(place, one.kept) == before

    complete_rollback(journal)
    assert triggered(place, LIVE) == "OLD\\ 猫 X"
    assert shown_triggers(place, LIVE) == before


def test_a_session_that_holds_a_table_is_ended(place, monkeypatch):
    monkeypatch.setattr(mysql_server, "_PATIENCE_SECONDS", 1)
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, LIVE, "old")
    fill(place, one.staged, "new")
    with contextlib.closing(place.connect(LIVE)) as connection, connection.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("SELECT * FROM `t``0 é`")

        swap(journal_of(one))

        with pytest.raises(pymysql.OperationalError):
            cursor.execute("SELECT 1")
    assert content(place, LIVE) == ("new", 3)


def test_a_session_that_cannot_be_found_makes_it_fail_with_everything_as_it_was(place, monkeypatch):
    monkeypatch.setattr(mysql_server, "_PATIENCE_SECONDS", 1)
    monkeypatch.setattr(mysql_server, "_ATTEMPTS", 2)
    one = component()
    create_scratch(ALIAS, one.staged)
    for name, word in ((LIVE, "old"), (one.staged, "new")):
        fill(place, name, word)
    add_triggers(place, one.staged, "new")
    add_triggers(place, LIVE, "old")
    before = shown_triggers(place, LIVE)
    # Its default database is another one, so nothing tells that it is in the live one.
    with contextlib.closing(place.connect("mysql")) as connection, connection.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute(f"SELECT * FROM {quoted(LIVE)}.`t``0 é`")

        with pytest.raises(RestoreFailed, match="cannot be renamed: Lock wait timeout"):
            swap(journal_of(one))

        assert cursor.execute("SELECT 1") == 1
    assert content(place, LIVE) == ("old", 3)
    assert shown_triggers(place, LIVE) == before
    assert place.databases() == {LIVE}
    assert journals()[0].state is State.UNDONE


def test_a_name_that_is_taken_makes_it_fail_with_everything_as_it_was(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, LIVE, "old")
    fill(place, one.staged, "new", tables=4)
    place.run(f"CREATE VIEW {quoted(LIVE)}.{quoted('t`3 é')} AS SELECT 1")

    with pytest.raises(RestoreFailed, match="already exists"):
        swap(journal_of(one))

    assert content(place, LIVE) == ("old", 3)
    assert place.databases() == {LIVE}


def test_a_definer_that_may_not_be_used_is_found_before_anything_is_dropped(place, limited):
    one = component(name=limited)
    create_scratch(ALIAS, one.staged)
    for name, word in ((LIVE, "old"), (one.staged, "new")):
        fill(place, name, word)
    add_triggers(place, LIVE, "old")
    place.run(f"GRANT ALL ON {quoted(like_pattern(LIVE[:40]) + '%')}.* TO limited@'127.0.0.1'")
    before = shown_triggers(place, LIVE)

    assert any("triggers of other users" in line for line in check_server(limited).blocking)
    with pytest.raises(RestoreFailed, match="cannot be renamed: Access denied"):
        swap(journal_of(one))

    assert shown_triggers(place, LIVE) == before
    assert content(place, LIVE) == ("old", 3)
    assert place.databases() == {LIVE}


def test_where_there_was_no_database(place):
    place.drop_database(LIVE)
    one = component(had_live=False)
    create_scratch(ALIAS, one.staged)
    fill(place, one.staged, "new")
    journal = journal_of(one)

    swap(journal)
    assert content(place, LIVE) == ("new", 3)
    assert place.databases() == {LIVE}

    complete_rollback(journal)
    assert place.databases() == set()


def test_an_empty_live_database_is_kept_and_comes_back_empty(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, one.staged, "new")
    journal = journal_of(one)

    swap(journal)
    assert place.databases() == {LIVE, one.kept}

    complete_rollback(journal)
    assert place.databases() == {LIVE}
    assert content(place, LIVE) == ("", 0)


def test_a_lost_kept_database_is_not_rolled_back_to(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, LIVE, "old")
    fill(place, one.staged, "new")
    journal = journal_of(one)
    swap(journal)
    place.drop_database(one.kept)

    with pytest.raises(RestoreFailed, match="is gone"):
        complete_rollback(journal)

    assert content(place, LIVE) == ("new", 3)


def test_names_of_databases(place):
    long = move_mysql.free_name("猫" * 80, "_new_12345678")
    assert 40 < len(long) < 64
    assert len(move_mysql.free_name("x" * 80, "_new_12345678")) == 64
    create_scratch(ALIAS, long)
    with mysql_server.server(ALIAS) as cursor:
        assert mysql_server.exists(cursor, long)
        assert mysql_server.exists(cursor, LIVE)
        assert not mysql_server.exists(cursor, LIVE.lower())
        assert not mysql_server.exists(cursor, LIVE.replace("ö", "o"))
        assert mysql_server.collation(cursor, long) == "utf8mb4_general_ci"
    with pytest.raises(RestoreFailed, match="database exists"):
        create_scratch(ALIAS, long)
    move_mysql.drop(ALIAS, long)
    move_mysql.drop(ALIAS, long)
    assert place.databases() == {LIVE}


def test_the_connection_has_no_limits_of_its_own(place):
    place.run("SET GLOBAL max_statement_time = 5", "SET GLOBAL idle_transaction_timeout = 5")
    try:
        with fresh_connection(ALIAS) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT @@max_statement_time, @@idle_transaction_timeout, @@autocommit, DATABASE(), @@wait_timeout"
            )
            assert cursor.fetchone() == (0, 0, 1, LIVE, 7 * 24 * 3600)
    finally:
        place.run("SET GLOBAL max_statement_time = 0", "SET GLOBAL idle_transaction_timeout = 0")


def test_the_plan_names_the_right_that_is_missing_and_the_grant_that_gives_it(place, limited):
    assert check_server(ALIAS).blocking == []
    check = check_server(limited)
    assert len(check.blocking) == 1
    assert place.password not in repr(check)
    with pytest.raises(RestoreFailed, match="Access denied"):
        create_scratch(limited, component().staged)

    place.run(check.blocking[0].partition("run ")[2])

    assert check_server(limited).blocking == []
    create_scratch(limited, component().staged)


def test_what_the_plan_says_of_a_server(place):
    fill(place, LIVE, "old")
    add_triggers(place, LIVE, "old")
    place.create_database("other")
    where = quoted(LIVE)
    place.run(
        f"CREATE TABLE {where}.plain (id int) ENGINE=MyISAM CHARACTER SET latin1",
        f"CREATE SEQUENCE {where}.numbers",
        f"CREATE TABLE other.child (id int, FOREIGN KEY (id) REFERENCES {where}.`t``0 é` (id))",
    )
    check = check_server(ALIAS)
    assert (check.database, check.exists) == (LIVE, True)
    assert check.server.startswith("MariaDB server 1")
    assert check.client.split(" ")[0] in {"PyMySQL", "mysqlclient"}
    assert len(check.blocking) == 1
    assert "other.child" in check.blocking[0]
    assert [
        any(word in line for line in check.warnings) for word in ("2 triggers", "InnoDB (plain)", "sequence numbers")
    ] == [True] * 3
    assert any("(plain) cannot hold" in line for line in check.warnings)
    assert place.databases() == {LIVE, "other"}


def make_ledger(server, name):
    """The tables of the backup system and those that they refer to."""
    with fresh_connection(ALIAS, name) as connection, connection.schema_editor() as editor:
        for model in (ContentType, Permission, Group, User, *ledger_models()):
            editor.create_model(model)
    server.run(
        *(
            f"INSERT INTO {quoted(name)}.auth_user (id, password, is_superuser, username, first_name, last_name, email,"
            f" is_staff, is_active, date_joined) VALUES ({number}, '', 0, 'u{number}', '', '', '', 0, 1, NOW())"
            for number in (1, 2)
        )
    )


def test_the_ledger_is_carried_over(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    for name in (LIVE, one.staged):
        make_ledger(place, name)
    place.run(f"DELETE FROM {quoted(one.staged)}.auth_user WHERE id = 2")
    now = timezone.now()
    for number in (1, 2):
        configuration = BackupConfiguration.objects.using(ALIAS).create(
            name=f"c{number}", created_by_id=number, include=["ä\\\"'", {"n": 2**60}]
        )
        job = BackupJob.objects.using(ALIAS).create(
            id=number * 100,
            configuration=configuration,
            job_name="猫",
            backup_type="FULL",
            slot=now,
            triggered_by_id=number,
        )
        JobEvent.objects.using(ALIAS).create(job=job, at=now, text="line")
        RestoreJob.objects.using(ALIAS).create(backup_job=job, plan={"a": None})
    stale = f"INSERT INTO {quoted(one.staged)}.backup_installedpolicy (name, installed_at) VALUES ('stale', NOW())"
    place.run(stale)
    connections[ALIAS].close()

    assert carry_mysql(ALIAS, LIVE, one.staged) == ""
    assert carry_mysql(ALIAS, LIVE, one.staged) == ""

    for model in ledger_models():
        table, columns = model._meta.db_table, [field.column for field in model._meta.local_concrete_fields]
        cited = ", ".join(map(quoted, [name for name in columns if name not in {"created_by_id", "triggered_by_id"}]))
        rows = [
            place.run(f"SELECT {cited} FROM {quoted(name)}.{quoted(table)} ORDER BY id") for name in (LIVE, one.staged)
        ]
        assert rows[0] == rows[1]
    users = f"SELECT created_by_id FROM {quoted(one.staged)}.backup_backupconfiguration ORDER BY id"
    assert place.run(users) == [(1,), (None,)]
    place.run(
        f"INSERT INTO {quoted(one.staged)}.backup_executor SELECT NULL, 'CRON', 'x', 'h', 1, NOW(), NOW(), '{{}}'"
    )
    with contextlib.closing(place.connect(one.staged)) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO backup_jobevent (job_id, at, text) VALUES (100, NOW(), '')")
        assert cursor.lastrowid == 3


def test_a_ledger_of_another_build_is_not_carried_over(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    make_ledger(place, LIVE)
    assert "backup_backupconfiguration of the backup is not built" in carry_mysql(ALIAS, LIVE, one.staged)
    make_ledger(place, one.staged)
    place.run(f"ALTER TABLE {quoted(one.staged)}.backup_prunerun MODIFY status varchar(17)")
    assert "backup_prunerun of the backup is not built" in carry_mysql(ALIAS, LIVE, one.staged)


ROLLBACK = """
import datetime, json, uuid
from django.db import connections
from django.utils import timezone
from apps.backup.models import BackupConfiguration, RestoreJob
from apps.backup.restores import recover_restores, rollback
from apps.backup.restores.carry import carry_mysql
from apps.backup.restores.journal import Component, Journal, Kind, State, exclusive
from apps.backup.restores.mysql_server import column, quoted, server, tables
from apps.backup.restores.stage_mysql import create_scratch
from apps.backup.restores import record
from apps.backup.restores.swapping import swap

names = dict(live="ledgers", staged="ledgers_new", kept="ledgers_old")
create_scratch("default", names["staged"])
with server("default") as cursor:
    for table in tables(cursor, "ledgers"):
        cursor.execute(f"CREATE TABLE ledgers_new.{quoted(table)} LIKE ledgers.{quoted(table)}")
        cursor.execute(f"INSERT INTO ledgers_new.{quoted(table)} SELECT * FROM ledgers.{quoted(table)}")
BackupConfiguration.objects.create(name="before")
component = Component(kind=Kind.MYSQL, name="default", had_live=True, **names)
journal = Journal(restore=uuid.uuid4(), backup="b", backup_job=None, restore_type="DATABASE_RESTORE",
                  state=State.STAGING, created_at=datetime.datetime.now(datetime.UTC), components=[component])
with exclusive():
    journal.save()
    record.begin(journal)
    obstacle = carry_mysql("default", "ledgers", "ledgers_new")
    journal.carried_ledger = not obstacle
    swap(journal)
done = recover_restores()
BackupConfiguration.objects.create(name="after")
rolled_back, notes = rollback(str(journal.restore))
with server("default") as cursor:
    cursor.execute("SHOW DATABASES LIKE 'ledgers%'")
    left = column(cursor)
print(json.dumps({
    "obstacle": obstacle, "done": len(done), "state": rolled_back.state.value, "left": left, "notes": notes,
    "names": sorted(BackupConfiguration.objects.values_list("name", flat=True)),
    "rows": list(RestoreJob.objects.values_list("status", "rollback_state")),
}))
"""


def test_a_rollback_takes_the_newer_ledger_back_with_it(mariadb, edms):
    mariadb.create_database("ledgers")
    edms.environment["DATABASE_URL"] = mariadb.url("ledgers")
    edms.run("migrate", "-v0")
    assert json.loads(edms.run("shell", "-c", ROLLBACK).stdout.splitlines()[-1]) == {
        "obstacle": "",
        "done": 1,
        "state": "rolled-back",
        "left": ["ledgers"],
        "notes": [],
        "names": ["after", "before"],
        "rows": [["COMPLETED", "ROLLED_BACK"]],
    }
    mariadb.drop_database("ledgers")


def test_versions():
    assert parse_version("10.11.19-MariaDB-0+deb12u1") == ("MariaDB", (10, 11, 19))
    assert parse_version("8.0.36-0ubuntu0.22.04.1") == ("MySQL", (8, 0, 36))
    assert parse_version("strange") == ("MySQL", ())


def test_grants():
    grants = parse_grants(
        [
            "GRANT USAGE ON *.* TO `u`@`h` IDENTIFIED BY PASSWORD '*0D3'",
            "GRANT ALL PRIVILEGES ON `my\\_edms%`.* TO `u`@`h` WITH GRANT OPTION",
            "GRANT SELECT, INSERT ON `a``_`.* TO `u`@`h`",
            "GRANT SELECT, INSERT (id) ON `one`.`table` TO `u`@`h`",
            "GRANT `role` TO `u`@`h`",
        ]
    )
    rights = Rights("u@h", grants)
    wanted = frozenset({"SELECT", "DROP"})
    assert rights.missing("my_edms_new", wanted) == []
    assert rights.missing("myxedms_new", wanted) == ["DROP", "SELECT"]
    assert rights.missing("a`b", wanted) == ["DROP"]
    assert rights.missing("one", wanted) == ["DROP", "SELECT"]
    assert rights.may_define_for("u@h")
    assert not rights.may_define_for("v@h")
    assert Rights("u@h", parse_grants(["GRANT SUPER ON *.* TO `u`@`h`"])).may_define_for("v@h")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(max_size=3))
def test_a_name_without_wildcards_is_matched_by_nothing_else(name, other):
    rights = Rights("u@h", [(like_pattern(name), frozenset({"ALL PRIVILEGES"}))])
    assert rights.missing(name, frozenset({"DROP"})) == []
    if other != name:
        assert rights.missing(other, frozenset({"DROP"})) == ["DROP"]
