"""Run by test_killed.py in a process of its own: kills swaps at every step and tells what recovery made of them.

Usage: kill_swaps.py swap|rollback [ALIAS]. Prints one JSON line for each kill: its number, the state of every component
before and after recovery, and the journal's state. With a database alias, a PostgreSQL database is swapped as well, and
the kills come after ever longer times; otherwise they come at every change of a name in the file system.
"""

import contextlib
import datetime
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
import uuid
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402

from apps.backup.restores.journal import Component, Journal, Kind, State, exclusive, journals  # noqa: E402
from apps.backup.restores.move_postgresql import exists, server  # noqa: E402
from apps.backup.restores.swapping import complete_rollback, recover, swap  # noqa: E402

HOME = Path(os.environ["EDMS_HOME"])
PLACE = HOME / "place"
MARK = ".edms-restore-12345678"
KILLS = 40
"""About so many during the time that the work takes."""
CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"}


def database(path, content):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (content text)")
        connection.execute("INSERT INTO t VALUES (?)", (content,))


def folder(path, content):
    path.mkdir()
    for number in range(3):
        (path / f"{content}-{number}").write_text(content)


def prepare(alias):
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.rmtree(settings.BACKUP_STORAGE_ROOT, ignore_errors=True)
    PLACE.mkdir()
    database(PLACE / "db", "old")
    database(PLACE / f".db{MARK}.new", "new")
    folder(PLACE / "media", "old")
    folder(PLACE / f".media{MARK}.new", "new")
    folder(PLACE / "volume", "old")
    folder(PLACE / "volume" / f"{MARK}.new", "new")
    components = [
        Component(
            kind=Kind.SQLITE,
            name="x",
            live=f"{PLACE}/db",
            staged=f"{PLACE}/.db{MARK}.new",
            kept=f"{PLACE}/.db{MARK}.old",
            had_live=True,
        ),
        Component(
            kind=Kind.FOLDER,
            name="media",
            live=f"{PLACE}/media",
            staged=f"{PLACE}/.media{MARK}.new",
            kept=f"{PLACE}/.media{MARK}.old",
            had_live=True,
        ),
        Component(
            kind=Kind.CONTENTS,
            name="volume",
            live=f"{PLACE}/volume",
            staged=f"{PLACE}/volume/{MARK}.new",
            kept=f"{PLACE}/volume/{MARK}.old",
            had_live=True,
        ),
    ]
    if alias:
        with server(alias) as cursor:
            for name in ("live", "new", "kept"):
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            for name in ("live", "new"):
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
            cursor.execute("COMMENT ON DATABASE live IS 'old'")
            cursor.execute("COMMENT ON DATABASE new IS 'new'")
        components.insert(
            0, Component(kind=Kind.POSTGRESQL, name=alias, live="live", staged="new", kept="kept", had_live=True)
        )
    with exclusive():
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


def content_of(path):
    names = sorted(child.name for child in path.iterdir() if MARK not in child.name) if path.is_dir() else []
    if names == [f"{names[0][:3]}-{number}" for number in range(3)] if names else False:
        return names[0][:3]
    return f"partly {names}" if names else "absent"


def look(alias):
    found = {"media": content_of(PLACE / "media"), "volume": content_of(PLACE / "volume"), "db": "absent"}
    if (PLACE / "db").exists():
        with contextlib.closing(sqlite3.connect(PLACE / "db")) as connection:
            found["db"] = connection.execute("SELECT content FROM t").fetchone()[0]
    if alias:
        with server(alias) as cursor:
            cursor.execute(
                "SELECT shobj_description(oid, 'pg_database'), datallowconn FROM pg_database WHERE datname = 'live'"
            )
            row = cursor.fetchone()
            found["postgresql"] = row[0] if row and row[1] else f"barred {row}" if row else "absent"
            assert not (row is None and not exists(cursor, "kept"))
    return found


def work(what, journal):
    with exclusive():
        if what == "swap":
            swap(journal)
        else:
            complete_rollback(journal)


def seconds_of(what, alias):
    """How long the work takes when nobody kills it."""
    journal = begin(what, alias)
    started = time.monotonic()
    assert not killed(what, journal, 0)
    return time.monotonic() - started


def killed(what, journal, number, *, step=0.0):
    """Do the work in a child that is killed, after so many steps of time or at that change of a name; was it?"""
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event, arguments):
            nonlocal count
            if event in CHANGES:
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        if step:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, number * step)
        else:
            sys.addaudithook(hook)
        work(what, journal)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def begin(what, alias):
    """The journal of what is about to be done."""
    journal = prepare(alias)
    if what == "rollback":
        work("swap", journal)
        journal.enter(State.FINISHED)
    return journal


def main():
    what, alias = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    # As many kills on a slow machine as on a fast one.
    step = seconds_of(what, alias) / KILLS if alias else 0.0
    for number in range(1, 200):
        journal = begin(what, alias)
        was_killed = killed(what, journal, number, step=step)
        before = look(alias)
        said = recover(lambda one: one.enter(State.FINISHED))
        again = recover(lambda one: one.enter(State.FINISHED))
        line = {
            "number": number,
            "killed": was_killed,
            "before": before,
            "after": look(alias),
            "said": said,
            "again": again,
            "state": journals()[0].state.value,
            "left": sorted(str(p.relative_to(PLACE)) for p in PLACE.rglob(f"*{MARK}*")),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        if not was_killed:
            return


main()
