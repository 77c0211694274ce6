"""The swap of databases of MariaDB by renaming their tables, and its ways back."""

import contextlib
import datetime
import time

import pymysql
import pytest
from tests.backup.testing.mysql_places import (
    ALIAS,
    LIVE,
    add_triggers,
    component,
    content,
    fill,
    journal_of,
    referred,
)

from apps.backup.core.sql import backticked as quoted
from apps.backup.errors import RestoreFailed
from apps.backup.restores.changes import Baseline
from apps.backup.restores.compare import compare_kept, compare_live
from apps.backup.restores.engines.mysql import server as mysql_server
from apps.backup.restores.engines.mysql.grants import like_pattern
from apps.backup.restores.engines.mysql.stage import check_server, create_scratch, left_behind
from apps.backup.restores.journal import State, journals
from apps.backup.restores.swap import complete_release, complete_rollback, swap

pytestmark = pytest.mark.mariadb


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


def test_late_writes_are_counted_in_the_replaced_tables(place):
    one = component()
    create_scratch(ALIAS, one.staged)
    fill(place, LIVE, "old")
    fill(place, one.staged, "new")
    names = [f"t`{number} é" for number in range(3)]
    rows = dict.fromkeys([*names, "gone"], 1)
    baseline = Baseline(cut_at=datetime.datetime.now(datetime.UTC), tables={ALIAS: rows}, files={})
    journal = journal_of(one)
    before = compare_live(journal, baseline)
    place.run(f"INSERT INTO {quoted(LIVE)}.{quoted(names[2])} VALUES (2, 1, 'late')")
    swap(journal)

    changes = compare_kept(journal, baseline)

    assert (before.tables, before.unknown, changes.unknown) == ([], [], [])
    assert [(found.table, found.before, found.after) for found in changes.tables] == [(names[2], 1, 2)]


def test_views_and_routines_stay(place):
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
