"""A program that uses the database in the very instant in which its file is exchanged."""

import contextlib
import datetime
import sqlite3
import uuid
from pathlib import Path

import pytest

from apps.backup.restores.engines.files.swap import NEW_IN, OLD_BACK, backward_path, forward_path
from apps.backup.restores.journal import Component, Journal, Kind, State, only_restore
from apps.backup.restores.ledger.record import rolled_back
from apps.backup.restores.swap import complete_release
from apps.backup.sources.engines.sqlite.online_copy import SIDE_FILES, open_readonly


@pytest.fixture
def component(tmp_path):
    made = Component(
        kind=Kind.SQLITE,
        name="default",
        live=f"{tmp_path}/db",
        staged=f"{tmp_path}/.db.edms-restore-1.new",
        kept=f"{tmp_path}/.db.edms-restore-1.old",
        had_live=True,
    )
    for path, content in ((made.live, "old"), (made.staged, "new")):
        with connected(path) as connection:
            write(connection, content)
    return made


@contextlib.contextmanager
def connected(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        yield connection


def write(connection, content):
    connection.execute("CREATE TABLE IF NOT EXISTS t (content text)")
    connection.execute("INSERT INTO t VALUES (?)", (content,))


def content(path):
    """Return the rows in the file itself, without the log beside it."""
    with contextlib.closing(open_readonly(Path(path))) as connection:
        return [text for (text,) in connection.execute("SELECT content FROM t")]


def marking(component, at, then):
    """The mover's mark; as soon as that step is written down, `then` happens once."""
    pending = [then]

    def mark(step):
        component.step = step
        if step == at and pending:
            pending.pop()()

    return mark


def point_of_no_return(component):
    return marking(component, "", lambda: None)


def files(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize("there", [True, False])
def test_connections_without_writes_leave_nothing(component, tmp_path, there):
    with contextlib.ExitStack() as stack:

        def connect():
            Path(component.live).unlink(missing_ok=True)
            connection = stack.enter_context(connected(component.live))
            if not there:
                connection.close()

        forward_path(component, marking(component, NEW_IN, connect), sides=SIDE_FILES)
    assert (content(component.live), content(component.kept), component.aside) == (["new"], ["old"], [])
    assert files(tmp_path) == [".db.edms-restore-1.old", "db"]


def test_new_databases_with_writes_are_kept_and_named(component, tmp_path):
    def work():
        with connected(component.live) as connection:
            write(connection, "between")

    forward_path(component, marking(component, NEW_IN, work), sides=SIDE_FILES)
    assert (content(component.live), content(component.kept)) == (["new"], ["old"])
    (aside,) = component.aside
    assert content(aside) == ["between"]

    backward_path(component, marking(component, OLD_BACK, work), sides=SIDE_FILES)
    assert (content(component.live), content(component.staged)) == (["old"], ["new"])
    assert [content(path) for path in component.aside] == [["between"], ["between"]]


def test_connections_during_the_undo_leave_nothing(component, tmp_path):
    forward_path(component, point_of_no_return(component), sides=SIDE_FILES)
    with contextlib.ExitStack() as stack:
        come = marking(component, OLD_BACK, lambda: stack.enter_context(connected(component.live)))
        backward_path(component, come, sides=SIDE_FILES)
    assert (content(component.live), content(component.staged), component.aside) == (["old"], ["new"], [])
    assert files(tmp_path) == [".db.edms-restore-1.new", "db"]


def test_the_kept_one_is_whole_without_its_log(component):
    with connected(component.live) as connection:
        write(connection, "late")
        assert Path(component.live + "-wal").stat().st_size > 0
        assert content(component.live) == ["old"]
        forward_path(component, point_of_no_return(component), sides=SIDE_FILES)
    assert content(component.kept) == ["old", "late"]
    assert content(component.live) == ["new"]


@pytest.mark.slow
def test_the_one_that_comes_back_has_what_was_in_its_log(component, tmp_path):
    """It was in use when it was moved away, and a kill came before its log had followed it back."""
    with connected(component.live) as connection, connected(component.live) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        write(connection, "late")
        forward_path(component, point_of_no_return(component), sides=SIDE_FILES)
        assert content(component.kept) == ["old"]
        Path(component.live).rename(component.staged)
        Path(component.kept).rename(component.live)
        component.step = OLD_BACK
        backward_path(component, point_of_no_return(component), sides=SIDE_FILES)
    with connected(component.live) as connection:
        assert connection.execute("SELECT content FROM t").fetchall() == [("old",), ("late",)]


def test_a_log_that_is_begun_while_the_old_one_goes_goes_with_it(component, tmp_path, monkeypatch):
    """A program opens the old file in the instant between the moves of its sides and of itself, and writes."""
    with contextlib.ExitStack() as stack, monkeypatch.context() as patched:
        move = Path.rename

        def rename(source, target):
            if str(source) == component.live:
                connection = stack.enter_context(connected(component.live))
                write(connection, "late")
            return move(source, target)

        patched.setattr(Path, "rename", rename)
        forward_path(component, point_of_no_return(component), sides=SIDE_FILES)
    assert (content(component.live), component.aside) == (["new"], [])
    with connected(component.kept) as connection:
        assert connection.execute("SELECT content FROM t").fetchall() == [("old",), ("late",)]
    assert [name for name in files(tmp_path) if name.startswith("db")] == ["db"]


def test_an_old_one_that_cannot_be_read_is_moved_as_it_is(component):
    damage = b"no database at all" * 1000
    Path(component.live).write_bytes(damage)
    forward_path(component, point_of_no_return(component), sides=SIDE_FILES)
    assert Path(component.kept).read_bytes() == damage
    assert content(component.live) == ["new"]


@pytest.mark.django_db
def test_set_aside_databases_are_named_and_released(component, tmp_path, settings):
    settings.BACKUP_STORAGE_ROOT = tmp_path / "storage"
    Path(component.live).rename(component.kept)
    Path(component.staged).rename(component.live)
    aside = tmp_path / ".db.edms-restore-aside-1"
    aside.write_text("made in between")
    component.step, component.aside = "done", [str(aside)]
    journal = Journal(
        restore=uuid.uuid4(),
        backup="b",
        backup_job=None,
        restore_type="FULL_RESTORE",
        state=State.FINISHED,
        created_at=datetime.datetime.now(datetime.UTC),
        components=[component],
    )
    (named, *_) = rolled_back(journal)
    assert (component.live in named, str(aside) in named) == (True, True)
    with only_restore():
        complete_release(journal)
    assert content(component.live) == ["new"]
    assert files(tmp_path) == ["db", "storage"]
