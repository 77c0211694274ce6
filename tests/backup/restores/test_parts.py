"""A part of a backup, beside the live system: some paths into a folder, some tables into a database of their own."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from tests.backup.testing.hosting import Host, make_postgres_host, make_sqlite_host, start_with_file_limit

pytestmark = pytest.mark.slow

ODD = b"odd\xff 100%.bin"


class Filed:
    """A host with files of all kinds and its backups, with what each of them gives as a whole."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        media = host.media
        (media / "odd/deep").mkdir(parents=True)
        (media / "odd/deep/one.txt").write_text("one")
        (media / "odd/deep/two.txt").write_text("two")
        Path(os.fsdecode(os.fsencode(media / "odd") + b"/" + ODD)).write_bytes(b"odd")
        (media / "odd/deep/one.txt").chmod(0o640)
        os.utime(media / "odd/deep/one.txt", ns=(1, 1_234_567_890_123_456_789))
        (media / "odd/deep").chmod(0o750)
        os.utime(media / "odd", ns=(1, 1_000_000_000_000_000_001))
        plain, sealed = folder / "plain.tar.gz", folder / "sealed.tar.gz.gpg"
        host.json("trigger_backup", "--type", "FULL", "--no-encryption", "--output", str(plain))
        host.json("trigger_backup", "--type", "FULL", "--output", str(sealed))
        # A package holds no links.
        (media / "odd/link").symlink_to("deep")
        os.utime(media / "odd", ns=(1, 1_000_000_000_000_000_001))
        self.backups = {
            "snapshot": host.json("trigger_backup", "--type", "FULL")["job"],
            "package": str(plain),
            "sealed": str(sealed),
        }
        self.whole = {}
        for source, backup in self.backups.items():
            host.json("restore_backup", backup, "--to-folder", str(folder / source))
            self.whole[source] = tree(folder / source)

    def part(self, source: str, target: Path, *paths: str) -> dict[bytes, tuple]:
        chosen = [word for path in paths for word in ("--path", path)]
        done = self.host.json("restore_backup", self.backups[source], "--to-folder", str(target), *chosen)
        assert (done["status"], done["to_folder"]) == ("COMPLETED", str(target))
        return tree(target)

    def expected(self, source: str, *paths: bytes) -> dict[bytes, tuple]:
        """Of the whole what is at, below or above the paths."""
        return {
            name: entry
            for name, entry in self.whole[source].items()
            if any(f"{one}/".startswith(f"{two}/") for path in paths for one, two in either_way(name, path))
        }


def either_way(one: bytes, two: bytes) -> list[tuple[str, str]]:
    first, second = os.fsdecode(one), os.fsdecode(two)
    return [(first, second), (second, first)]


def tree(root: Path) -> dict[bytes, tuple]:
    """Everything below a folder: mode, time, content."""
    found = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        for name in [*folders, *names]:
            place = Path(os.fsdecode(folder)) / os.fsdecode(name)
            status = place.lstat()
            content = str(place.readlink()) if place.is_symlink() else place.read_bytes() if name in names else None
            found[os.fsencode(place.relative_to(root))] = (status.st_mode, status.st_mtime_ns, content)
    return found


@pytest.fixture(scope="module")
def filed(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Filed:
    folder = tmp_path_factory.mktemp("filed")
    return Filed(make_sqlite_host(filled_sqlite, folder), folder)


@pytest.mark.parametrize("source", ["snapshot", "package", "sealed"])
def test_one_file_and_nothing_else(filed, source, tmp_path):
    found = filed.part(source, tmp_path / "to", "files/media/odd/deep/one.txt")
    assert found == filed.expected(source, b"files/media/odd/deep/one.txt")
    assert sorted(found)[-1] == b"files/media/odd/deep/one.txt"
    mode, moment, content = found[b"files/media/odd/deep/one.txt"]
    assert (mode & 0o777, moment, content) == (0o640, 1_234_567_890_123_456_789, b"one")


@pytest.mark.parametrize("source", ["snapshot", "package"])
def test_folders_that_overlap_and_a_name_that_is_no_text(filed, source, tmp_path):
    odd = b"files/media/odd/" + ODD
    found = filed.part(
        source,
        tmp_path / "to",
        "files/media/odd/deep/",
        "/files/media/odd/deep/two.txt",
        "files/media/odd/odd%FF 100%25.bin",
    )
    assert found == filed.expected(source, b"files/media/odd/deep", odd)
    assert {name.rpartition(b"/")[2] for name in found} == {
        b"files",
        b"media",
        b"odd",
        b"deep",
        b"one.txt",
        b"two.txt",
        ODD,
    }
    assert found[odd][2] == b"odd"


def test_a_link_is_restored_as_one_and_not_followed(filed, tmp_path):
    found = filed.part("snapshot", tmp_path / "to", "files/media/odd/link")
    assert found == filed.expected("snapshot", b"files/media/odd/link")
    assert found[b"files/media/odd/link"][2] == "deep"


@pytest.mark.parametrize("source", ["snapshot", "package"])
def test_the_plan_names_what_is_chosen_and_what_is_unknown(filed, source, tmp_path):
    target = tmp_path / "to"
    known = ["files/media/odd/deep", "files/media/odd/deep/two.txt"]
    unknown = ["files/media/odd/deep/none.txt", "files/media/odd/link/one.txt", "files/media/odd/deep/one.txt/x"]

    def plan(*paths: str, expect: int) -> dict:
        chosen = [word for path in paths for word in ("--path", path)]
        command = ("restore_backup", filed.backups[source], "--to-folder", str(target), "--dry-run", *chosen)
        return filed.host.json(*command, expect=expect)

    made = plan(*known, expect=0)
    assert (made["paths"], made["tables"], made["restore_type"]) == (known, [], "SELECTIVE_RESTORE")
    assert made["counts"] == {"databases": 0, "files": 2, "bytes": 6}
    assert [one["needed"] for one in made["space"]] == [6]
    blocked = plan(*known, *unknown, expect=1)["blocking"]
    assert [said.split("'")[1] for said in blocked] == sorted(unknown)
    assert all("give paths as the list of its files shows them" in said for said in blocked)
    assert not target.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--path", "files"], "needs --to-folder"),
        (["--to-database", "x", "--path", "files"], "needs --to-folder"),
        (["--table", "x"], "needs --to-database"),
        (["--to-folder", "x", "--table", "x"], "needs --to-database"),
        (["--to-folder", "x", "--path", "/"], "the whole backup"),
        (["--to-folder", "x", "--path", "files", "--only", "files"], "Remove the other options"),
        (["--to-database", "x", "--table", "a", "--leave-out", "a"], "both name the table a"),
        (["--to-folder", "x", "--path", "files/../../x"], "`.` or `..`"),
        (["--to-folder", "x", "--path", "files/%zz"], "two hex digits"),
    ],
)
def test_contradicting_choices_are_refused(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CommandError) as refused:
        call_command("restore_backup", "--package", "/nowhere.tar.gz", *options, "--yes")
    assert said in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_disk_that_is_full_leaves_no_database(filed, tmp_path):
    place = tmp_path / "some.sqlite3"
    command = ("restore_backup", filed.backups["snapshot"], "--to-database", str(place), "--table", "no_rowid")
    assert start_with_file_limit(filed.host, 100, *command).returncode == 1
    assert list(tmp_path.iterdir()) == []


def rows(place: Path, query: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_tables_of_sqlite(filed, tmp_path):
    place = tmp_path / "some.sqlite3"
    chosen = ["hostproject_twin", 'Odd "Table"', "no_rowid"]
    options = [word for name in chosen for word in ("--table", name)]
    command = ("restore_backup", filed.backups["package"], "--to-database", str(place), *options)
    plan = filed.host.json(*command, "--dry-run")
    assert (plan["tables"], plan["blocking"]) == (sorted(chosen), [])
    assert plan["counts"] == {"databases": 1, "tables": 3, "rows": 4, "files": 0}
    done = filed.host.json(*command)
    assert [path.name for path in tmp_path.iterdir()] == ["some.sqlite3"]
    assert [note for note in done["notes"] if "hostproject_twin refers to hostproject_everything" in note]
    names = rows(place, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
    assert sorted(name for (name,) in names) == sorted(chosen)
    assert rows(place, 'SELECT * FROM "Odd ""Table"""') == filed.host.rows('SELECT * FROM "Odd ""Table"""')
    assert rows(place, "SELECT * FROM hostproject_twin") == filed.host.rows("SELECT * FROM hostproject_twin")
    content = place.read_bytes()
    assert "naïve".encode() not in content, "what was in the other tables is in the file"


def test_a_table_that_is_not_there_is_named(filed, tmp_path):
    place = tmp_path / "some.sqlite3"
    command = ("restore_backup", filed.backups["snapshot"], "--to-database", str(place), "--table", "twin")
    said = filed.host.json(*command, expect=1)["error"]
    assert "the backup has no table 'twin'; there are hostproject_twin" in said
    assert not place.exists()


@pytest.fixture(scope="module")
def served(filled_postgres, postgres, tmp_path_factory):
    """A host on PostgreSQL with a table that is made of another one, and its backup."""
    host = make_postgres_host(filled_postgres, tmp_path_factory.mktemp("served"), postgres)
    with postgres.connect(host.name) as connection:
        connection.execute('CREATE TABLE same (id int); CREATE TABLE "Second Schema".same (id int)')
        connection.execute("CREATE TABLE made_of (one empty_one, other int)")
    yield host, host.json("trigger_backup", "--type", "FULL")["job"]
    postgres.drop_database(host.name)


def into(served, name: str, *tables: str, expect: int = 0, plan: bool = False) -> dict:
    host, backup = served
    options = [word for table in tables for word in ("--table", table)] + ["--dry-run"] * plan
    return host.json("restore_backup", backup, "--to-database", name, *options, expect=expect)


@pytest.mark.postgresql
def test_tables_of_postgresql(served, postgres):
    chosen = ["hostproject_twin", "public.parts_one", "Second Schema.types", "empty_one"]
    done = into(served, "some_tables", *chosen)
    assert "the reference of hostproject_twin to hostproject_everything is gone with that table" in done["notes"]
    assert any("1 large objects are there" in note for note in done["notes"])
    everything = (
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE"
        " c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
    )
    try:
        with postgres.connect("some_tables") as there, postgres.connect(served[0].name) as live:
            found = {name for (name,) in there.execute(everything)}
            assert found == {"public.hostproject_twin", "public.parts_one", "Second Schema.types", "public.empty_one"}
            for table in ("hostproject_twin", "parts_one", '"Second Schema".types'):
                query = f"SELECT x::text FROM {table} x"
                assert there.execute(query).fetchall() == live.execute(query).fetchall() != []
    finally:
        postgres.drop_database("some_tables")


@pytest.mark.postgresql
def test_a_failure_leaves_no_database_on_the_server(served, postgres):
    refused = into(served, "some_more", "made_of", expect=1)
    assert "are of the types of others" in refused["error"]
    with postgres.connect() as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'some_more'").fetchall()
    assert found == []


@pytest.mark.postgresql
def test_a_name_in_two_schemas_is_not_guessed(served):
    said = into(served, "some_more", "same", "nothing", expect=1, plan=True)["blocking"]
    assert said[1] == "the table 'same' is in several schemas: choose one of Second Schema.same, public.same"
    assert said[0].startswith("the backup has no table 'nothing'; there are ")
