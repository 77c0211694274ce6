"""Run by test_killed.py in a process of its own: kills swaps at every step and tells what recovery made of them.

Usage: kill_swaps.py swap|rollback [ALIAS]. Prints one JSON line for each kill: its number, the state of every component
before and after recovery, and the journal's state. With a database alias, its database is swapped as well. The kills
come at every change of a name in the file system, and as soon as a statement was sent to the server, which goes on with
it, if the statement changes something. With NO_EXCHANGE in the environment the file system cannot exchange two names.
"""

import contextlib
import datetime
import errno
import json
import os
import shutil
import signal
import sqlite3
import sys
import traceback
import uuid
from pathlib import Path

import django
import psycopg
import pymysql

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402

from apps.backup.restores.engines.mysql import server as mysql_server  # noqa: E402
from apps.backup.restores.engines.postgresql.swap import exists, server  # noqa: E402
from apps.backup.restores.journal import Component, Journal, Kind, State, journals, only_restore  # noqa: E402
from apps.backup.restores.swap import complete_rollback, recover, swap  # noqa: E402

HOME = Path(os.environ["EDMS_HOME"])
PLACE = HOME / "place"
MARK = ".edms-restore-12345678"
STAYS = ("db", "in/db")
STATEMENTS = (b"CREATE ", b"DROP ", b"RENAME ", b"ALTER ", b"COMMIT")
CHANGES = {"edms_backup.exchange", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.removexattr", "shutil.rmtree"}


def without_exchange(event, arguments):
    """As NFS and others answer."""
    if event == "edms_backup.exchange":
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), arguments[0])


if os.environ.get("NO_EXCHANGE"):
    sys.addaudithook(without_exchange)


def database(path, content):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (content text)")
        connection.execute("INSERT INTO t VALUES (?)", (content,))


def folder(path, content):
    path.mkdir()
    for number in range(3):
        (path / f"{content}-{number}").write_text(content)


def make_files():
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.rmtree(settings.BACKUP_STORAGE_ROOT, ignore_errors=True)
    PLACE.mkdir()
    database(PLACE / "db", "old")
    database(PLACE / f".db{MARK}.new", "new")
    folder(PLACE / "media", "old")
    folder(PLACE / f".media{MARK}.new", "new")
    # A link is no folder that could be exchanged: it goes by two renames.
    folder(PLACE / "linked-to", "old")
    (PLACE / "link").symlink_to(PLACE / "linked-to")
    folder(PLACE / f".link{MARK}.new", "new")
    folder(PLACE / "volume", "old")
    folder(PLACE / "volume" / f"{MARK}.new", "new")
    # A file root with a live database, and one in a folder of it; what is staged of them lies beside them.
    for content, place in (("old", PLACE / "nest"), ("new", PLACE / "nest" / f"{MARK}.new")):
        folder(place, content)
        folder(place / "in", content)
    for stay in STAYS:
        (PLACE / "nest" / stay).write_text("stays")
    (PLACE / "nest/in" / f".db{MARK}.new").write_text("of the database")


def of_files(kind, name, place, beside, **more):
    return Component(
        kind=kind,
        name=name,
        live=f"{PLACE}/{place}",
        staged=f"{beside}.new",
        kept=f"{beside}.old",
        had_live=True,
        **more,
    )


def file_components():
    return [
        of_files(Kind.SQLITE, "x", "db", f"{PLACE}/.db{MARK}"),
        of_files(Kind.FOLDER, "media", "media", f"{PLACE}/.media{MARK}"),
        of_files(Kind.FOLDER, "link", "link", f"{PLACE}/.link{MARK}"),
        of_files(Kind.CONTENTS, "volume", "volume", f"{PLACE}/volume/{MARK}"),
        of_files(Kind.CONTENTS, "nest", "nest", f"{PLACE}/nest/{MARK}", stays=[*STAYS, "in/db-wal"]),
    ]


def prepare(alias):
    make_files()
    components = file_components()
    if alias:
        kind = Kind(connections[alias].vendor)
        on_server = Component(kind=kind, name=alias, live="live", staged="new", kept="kept", had_live=True)
        # With one thing besides; the others are killed often enough without a server.
        components = [on_server, components[0]]
    if alias and connections[alias].vendor == "mysql":
        prepare_mysql(alias)
    elif alias:
        with server(alias) as cursor:
            for name in ("live", "new", "kept"):
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            for name in ("live", "new"):
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
            cursor.execute("COMMENT ON DATABASE live IS 'old'")
            cursor.execute("COMMENT ON DATABASE new IS 'new'")
    with only_restore():
        journal = Journal(
            restore=uuid.uuid4(),
            backup="b",
            backup_job=None,
            restore_type="FULL_RESTORE",
            state=State.STAGING,
            created_at=datetime.datetime.now(datetime.UTC),
            components=components,
        )
        journal.save()
    return journal


def prepare_mysql(alias):
    with mysql_server.server(alias) as cursor:
        for name in ("live", "new", "kept"):
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        for name, content in (("live", "old"), ("new", "new")):
            cursor.execute(f"CREATE DATABASE {name}")
            cursor.execute(f"CREATE TABLE {name}.parent (id int PRIMARY KEY, content text)")
            cursor.execute(
                f"CREATE TABLE {name}.child (id int PRIMARY KEY AUTO_INCREMENT, parent_id int, content text,"
                f" CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES {name}.parent (id))"
            )
            cursor.execute(f"INSERT INTO {name}.parent VALUES (1, '{content}')")
            for number in range(2):
                cursor.execute(
                    f"CREATE TRIGGER {name}.t{number} BEFORE INSERT ON {name}.child FOR EACH ROW"
                    f" SET NEW.content = CONCAT(COALESCE(NEW.content, ''), '{content}{number}')"
                )


def look_at_mysql(alias):
    """The content of the live tables, if their foreign key and their triggers are theirs, too."""
    with mysql_server.server(alias) as cursor:
        tables = mysql_server.tables(cursor, "live")
        if tables != ["child", "parent"]:
            return f"partly {tables}"
        cursor.execute("SELECT content FROM live.parent")
        content = cursor.fetchone()[0]
        cursor.execute("START TRANSACTION")
        cursor.execute("INSERT INTO live.child (parent_id) VALUES (1)")
        cursor.execute("SELECT content FROM live.child")
        made = cursor.fetchone()[0]
        cursor.execute("ROLLBACK")
        cursor.execute(
            "SELECT DISTINCT UNIQUE_CONSTRAINT_SCHEMA FROM information_schema.REFERENTIAL_CONSTRAINTS"
            " WHERE CONSTRAINT_SCHEMA = 'live'"
        )
        referred = mysql_server.column(cursor)
        if made != f"{content}0{content}1" or referred != ["live"]:
            return f"{content} with {made} and {referred}"
        return content


def databases_beside(alias):
    with mysql_server.server(alias) as cursor:
        return [name for name in ("new", "kept") if mysql_server.exists(cursor, name)]


def content_of(path, *besides):
    there = path.iterdir() if path.is_dir() else []
    names = sorted(child.name for child in there if MARK not in child.name and child.name not in besides)
    if names == [f"{names[0][:3]}-{number}" for number in range(3)] if names else False:
        return names[0][:3]
    return f"partly {names}" if names else "absent"


def look(alias):
    found = {"db": "absent"}
    if not alias:
        found |= {name: content_of(PLACE / name) for name in ("media", "link", "volume")}
        found |= {"nest": content_of(PLACE / "nest", "in", "db"), "in": content_of(PLACE / "nest/in", "db")}
        for stay in STAYS:
            assert (PLACE / "nest" / stay).read_text() == "stays"
        assert (PLACE / "nest/in" / f".db{MARK}.new").read_text() == "of the database"
    if (PLACE / "db").exists():
        with contextlib.closing(sqlite3.connect(PLACE / "db")) as connection:
            found["db"] = connection.execute("SELECT content FROM t").fetchone()[0]
    if alias and connections[alias].vendor == "mysql":
        found["mysql"] = look_at_mysql(alias)
    elif alias:
        with server(alias) as cursor:
            cursor.execute(
                "SELECT shobj_description(oid, 'pg_database'), datallowconn FROM pg_database WHERE datname = 'live'"
            )
            row = cursor.fetchone()
            found["postgresql"] = row[0] if row and row[1] else f"barred {row}" if row else "absent"
            assert not (row is None and not exists(cursor, "kept"))
    return found


def work(what, journal):
    with only_restore():
        if what == "swap":
            swap(journal)
        else:
            complete_rollback(journal)


def begin(what, alias):
    """The journal of what is about to be done."""
    journal = prepare(alias)
    if what == "rollback":
        work("swap", journal)
        journal.enter(State.FINISHED)
    return journal


def killed(what, journal, number):
    """Do the work in a child that is killed at step `number`; return whether it was."""
    child = os.fork()
    if child == 0:
        count, changes = 0, False

        def hook(event, arguments):
            if event in CHANGES:
                step()

        def step():
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        def send(connection, command, statement):
            sent(connection, command, statement)
            text = statement.encode() if isinstance(statement, str) else statement
            if text.startswith(STATEMENTS):
                step()

        def execute(cursor, statement, *arguments, **options):
            nonlocal changes
            changes = statement.encode().startswith(STATEMENTS)
            return executed(cursor, statement, *arguments, **options)

        def step_once_sent(generator):
            """Run a command of psycopg; its generator waits for the first time when the command was sent."""
            nonlocal changes
            ready = None
            while True:
                try:
                    waited_for = generator.send(ready)
                except StopIteration as end:
                    return end.value
                if changes:
                    step()
                    changes = False
                ready = yield waited_for

        def wait(connection, generator, *arguments, **options):
            return waited(connection, step_once_sent(generator), *arguments, **options)

        sys.addaudithook(hook)
        sent = pymysql.connections.Connection._execute_command
        pymysql.connections.Connection._execute_command = send
        executed, psycopg.Cursor.execute = psycopg.Cursor.execute, execute
        waited, psycopg.Connection.wait = psycopg.Connection.wait, wait
        try:
            work(what, journal)
        except BaseException:  # noqa: BLE001  a child that goes on would be a second parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in {0, signal.SIGKILL}, status
    return status != 0


def finish(journal):
    """The catalogue has nothing to do with it here."""
    if journal.state is State.SWAPPED:
        journal.enter(State.FINISHED)


def main():
    what, alias = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    vendor = connections[alias].vendor if alias else ""
    for number in range(1, 200):
        journal = begin(what, alias)
        was_killed = killed(what, journal, number)
        before = look(alias)
        said = recover(finish)
        again = recover(finish)
        line = {
            "number": number,
            "killed": was_killed,
            "before": before,
            "after": look(alias),
            "said": said,
            "again": again,
            "state": journals()[0].state.value,
            "left": databases_beside(alias)
            if vendor == "mysql"
            else sorted(
                str(p.relative_to(PLACE))
                for p in PLACE.rglob(f"*{MARK}*")
                if p.name != f".db{MARK}.new" or p.parent == PLACE
            ),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        if not was_killed:
            return


main()
