"""The plan for a MariaDB server, its scratch database, and the catalogue that is carried over."""

import contextlib
import json

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.utils import timezone
from tests.backup.testing.mysql_places import (
    ALIAS,
    LIVE,
    add_triggers,
    component,
    fill,
)

from apps.backup.core.sql import backticked as quoted
from apps.backup.errors import RestoreFailed, StorageFull
from apps.backup.ledger import ledger_models
from apps.backup.models import BackupConfiguration, BackupJob, JobEvent, RestoreJob
from apps.backup.restores.engines.mysql import server as mysql_server
from apps.backup.restores.engines.mysql import swap as move_mysql
from apps.backup.restores.engines.mysql.carry_ledger import carry_mysql
from apps.backup.restores.engines.mysql.stage import check_server, create_scratch
from apps.backup.sources.engines.mysql.connection import fresh_connection

pytestmark = pytest.mark.mariadb


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


def test_plans_describe_the_server(place):
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
    assert "backup_acknowledgement of the backup is not built" in carry_mysql(ALIAS, LIVE, one.staged)
    make_ledger(place, one.staged)
    place.run(f"ALTER TABLE {quoted(one.staged)}.backup_prunerun MODIFY status varchar(17)")
    assert "backup_prunerun of the backup is not built" in carry_mysql(ALIAS, LIVE, one.staged)


def test_a_ledger_that_finds_no_room_is_not_given_up(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    for name in (LIVE, one.staged):
        make_ledger(place, name)
    BackupConfiguration.objects.using(ALIAS).create(name="c")
    connections[ALIAS].close()
    place.run(
        f"CREATE TRIGGER {quoted(one.staged)}.no_room BEFORE INSERT ON {quoted(one.staged)}.backup_backupconfiguration"
        " FOR EACH ROW SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'Disk full'"
    )
    with pytest.raises(StorageFull, match=r"no space left on the server .* Nothing live was changed"):
        carry_mysql(ALIAS, LIVE, one.staged)


ROLLBACK = """
import datetime, json, uuid
from django.db import connections
from django.utils import timezone
from apps.backup.models import BackupConfiguration, RestoreJob
from apps.backup.restores import recover_restores, rollback
from apps.backup.restores.engines.mysql.carry_ledger import carry_mysql
from apps.backup.restores.journal import Component, Journal, Kind, State, only_restore
from apps.backup.core.sql import backticked as quoted
from apps.backup.restores.engines.mysql.server import column, server, tables
from apps.backup.restores.engines.mysql.stage import create_scratch
from apps.backup.restores.ledger import record
from apps.backup.restores.swap import swap

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
with only_restore():
    journal.save()
    record.begin(journal)
    obstacle = carry_mysql("default", "ledgers", "ledgers_new")
    journal.carried_ledger = not obstacle
    swap(journal)
done = recover_restores()
BackupConfiguration.objects.create(name="after")
rolled_back, notes = rollback(str(journal.restore), safety_backup=False)
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
