"""Into systems that hold something; all or nothing; the same twice."""

from __future__ import annotations

import re
import subprocess

import pytest
from tests.backup.testing.zoo import Zoo


@pytest.fixture(scope="module")
def source(zoo):
    made = zoo("sqlite")
    made.values = made.fill()
    made.package = made.export()
    return made


def sums(package) -> dict[str, str]:
    """The hash of every member below data/."""
    listed = subprocess.run(["tar", "-xzOf", package, "SHA256SUMS"], check=True, capture_output=True, text=True).stdout
    lines = [line.split("  ", 1) for line in listed.splitlines()]
    return {name: digest for digest, name in lines if name.startswith("data/") and "/backup_" not in name}


def test_a_populated_system_becomes_the_packages(source, zoo):
    target = zoo("sqlite", migrated=True, ZOO_APPS='["django.contrib.sites", "django.contrib.sessions"]')
    target.run("manage_backup_configs", "--create", "--name", "of the target", "--type", "FULL", "--yes")
    target.write("DELETE FROM django_content_type")
    target.write(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'zoo', 'tag'), (900, 'zoo', 'node')"
    )
    target.write("INSERT INTO zoo_place (name) VALUES ('of the target')")
    target.take_in(source.package)
    shown = target.show()
    # Content types keep their numbers, and so everything that refers to them, in whichever way, keeps its meaning.
    assert set(source.values) - set(shown) <= {line for line in source.values if line.startswith("rights")}
    assert target.rows("SELECT name FROM backup_backupconfiguration") == [("of the target",)]
    assert target.rows("SELECT count(*) FROM zoo_place WHERE name = 'of the target'") == [(0,)]
    assert target.rows("SELECT count(*) FROM django_content_type WHERE app_label = 'sites'") == [(1,)]


def test_on_another_system_the_ledger_knows_the_package(source, zoo):
    other = zoo("sqlite")
    other.take_in(source.package)
    query = "SELECT status, backup_file_path FROM backup_backupjob ORDER BY id DESC LIMIT 1"
    assert other.rows(query) == [("COMPLETED", str(source.package))]


def test_the_same_data_gives_the_same_bytes_and_twice_is_once(source, zoo):
    target = zoo("sqlite")
    target.take_in(source.package)
    first = sums(target.export())
    target.take_in(source.package)
    assert sums(target.export()) == first == sums(source.package)
    # Numbers of rows that are gone are not given out again.
    label = "SELECT id FROM zoo_everything WHERE label = 'new'"
    for one in (source, target):
        one.write("INSERT INTO zoo_everything (label) VALUES ('new')")
    assert target.rows(label) == source.rows(label)
    for one in (source, target):
        one.write("DELETE FROM zoo_everything WHERE label = 'new'")


@pytest.mark.postgresql
def test_rows_that_do_not_fit_together_change_nothing(source, zoo):
    broken = zoo("sqlite")
    broken.take_in(source.package)
    broken.write("INSERT INTO zoo_hen (egg_id) VALUES (4711)")
    package = broken.export()
    target = zoo("postgresql")
    target.take_in(source.package)
    before = target.show()
    refused = target.run("restore_backup", "--package", str(package), "--yes", "--no-safety-backup", "--json", expect=1)
    assert re.search(r"zoo_hen.*egg_id.*4711", refused.stdout)
    assert "Nothing live was changed" in refused.stdout
    assert target.show() == before
    staged = target.query("SELECT datname FROM pg_database WHERE datname LIKE current_database() || '\\_new\\_%'")
    assert "[]" in staged, "what was staged is gone"

    # The same kind of database has had them before: they come back as they were.
    again = zoo("sqlite")
    notes = again.take_in(package)["notes"]
    assert "as in the database that was backed up, a row of zoo_hen (rowid 2) refers to no row of zoo_egg" in notes
    assert again.show() == broken.show()
    again.sql("CREATE TABLE extra (id integer)")
    assert [line for line in again.plan(package)["warnings"] if "does not hold (extra): they are replaced" in line]


@pytest.mark.mariadb
def test_mariadb_keeps_tables_that_the_package_does_not_hold(source, zoo):
    """A table with a history is in no package whole; to move it away with the others would lose that."""
    target = zoo("mysql")
    target.take_in(source.package)
    target.sql("CREATE TABLE history (id int PRIMARY KEY, title varchar(20)) WITH SYSTEM VERSIONING")
    target.sql("INSERT INTO history VALUES (1, 'first')")
    target.sql("UPDATE history SET title = 'second'")
    versions = "SELECT title FROM history FOR SYSTEM_TIME ALL ORDER BY title"
    before = target.query(versions)
    assert "tables that the package does not hold stay as they are: history" in target.plan(source.package)["warnings"]

    restored = target.take_in(source.package)["restore"]
    assert target.query(versions) == before
    target.run("restore_backup", "--rollback", restored, "--yes", "--no-safety-backup")
    assert target.query(versions) == before
    restored = target.take_in(source.package)["restore"]
    target.run("restore_backup", "--release", restored, "--yes")
    assert target.query(versions) == before

    target.sql("CREATE TABLE note (place_id bigint, FOREIGN KEY (place_id) REFERENCES zoo_place (id))")
    (reason,) = target.plan(source.package, blocked=True)["blocking"]
    assert reason.startswith("the table note refers to zoo_place, and the package holds only one of the two")


def test_an_encrypted_package_with_stock_tools(source, tmp_path):
    package = tmp_path / "p.tar.gz.gpg"
    source.run("trigger_backup", "--type", "EXPORT", "--output", str(package))
    secret = tmp_path / "secret"
    secret.write_text(source.environment["BACKUP_PASSWORD"])
    subprocess.run(
        f"gpg --batch --pinentry-mode loopback --homedir {tmp_path} --passphrase-file {secret} -d {package}"
        f" | tar -xz -C {tmp_path} && cd {tmp_path} && sha256sum -c --quiet SHA256SUMS",
        shell=True,
        check=True,
        capture_output=True,
    )
    rows = (tmp_path / "data" / "zoo_everything.ndjson").read_text().split("\n")[:-1]
    assert len(rows) == source.rows("SELECT count(*) FROM zoo_everything")[0][0]
    assert rows[0].startswith('[1,"nulls",null,')


def test_sqlite_that_holds_what_its_columns_do_not_say_is_no_success(source: Zoo, zoo):
    odd = zoo("sqlite")
    odd.take_in(source.package)
    odd.write("INSERT INTO zoo_everything (label, integer) VALUES ('odd', 'seven')")
    failed = odd.json(
        "trigger_backup", "--type", "EXPORT", "--no-encryption", "--output", str(odd.home / "x.tar.gz"), expect=1
    )
    assert "The column integer of the table zoo_everything holds" in failed["error"]
    assert not (odd.home / "x.tar.gz").exists()


@pytest.mark.parametrize(
    "engine",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mysql", marks=pytest.mark.mariadb),
    ],
)
def test_into_a_database_beside_the_live_one(source, zoo, engine, tmp_path):
    live = zoo(engine)
    place = str(tmp_path / "scratch.sqlite3") if engine == "sqlite" else f"{live.name}_scratch"
    plan = live.plan(source.package, "--to-database", place)
    assert (plan["to_database"], plan["blocking"]) == (place, [])
    done = live.json("restore_backup", "--package", str(source.package), "--to-database", place, "--yes")
    assert (done["status"], done["to_database"], done["restore"]) == ("COMPLETED", place, None)
    scratch = Zoo.on({**live.settings, "NAME": place}, tmp_path / "home")
    assert scratch.show() == source.values
    assert not list(live.home.glob("*.sqlite3*")), "nothing live has come to be"
    again = live.plan(source.package, "--to-database", place, blocked=True)
    assert len(again["blocking"]) == 1


@pytest.mark.mariadb
def test_some_tables_into_a_database_beside_the_live_one(source, zoo, tmp_path):
    live = zoo("mysql")
    place = f"{live.name}_some"
    done = live.json(
        "restore_backup",
        "--package",
        str(source.package),
        *("--to-database", place, "--table", "zoo_hen", "--table", "zoo_place"),
    )
    assert "the reference of zoo_hen to zoo_egg is gone with that table" in done["notes"]
    some = Zoo.on({**live.settings, "NAME": place}, tmp_path / "home")
    program = (
        "from django.db import connection as d; c = d.cursor(); c.execute('SELECT name FROM zoo_place ORDER BY id');"
        " print('\\n', d.introspection.table_names(include_views=True), [name for (name,) in c.fetchall()])"
    )
    said = some.run("shell", "-v0", "-c", program).stdout.splitlines()[-1]
    assert "['zoo_hen', 'zoo_place']" in said
    assert [name for name in ("Ort", "Grüße", "Pizza") if name not in said] == []


MEANWHILE = """
from pathlib import Path
from django.db import connection
from apps.backup.core.progress import Tracker
from apps.backup.backups.references import package_ref
from apps.backup.policies.restore_request import RestoreRequest
from apps.backup.restores import open_origin, plan_to_database, restore_to_database
place, ref = {place!r}, package_ref(Path({package!r}))
with open_origin(ref) as origin:
    plan = plan_to_database(ref, origin, RestoreRequest(), place, progress=lambda files, size: None)
    assert plan.blocking == [], plan.blocking
    if connection.vendor == "sqlite":
        Path(place).write_text("somebody's")
    else:
        connection.cursor().execute(f"CREATE DATABASE {{place}}")
    try:
        restore_to_database(origin, plan, RestoreRequest(), Tracker(), lambda: None)
    except Exception as error:
        print("refused:", error)
if connection.vendor == "sqlite":
    print(Path(place).read_text(), [path.name for path in Path(place).parent.iterdir()])
else:
    cursor = connection.cursor()
    cursor.execute("SELECT datname FROM pg_database WHERE datname = %s", [place])
    print(cursor.fetchall())
"""


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
@pytest.mark.parametrize("native", [False, True])
def test_databases_created_meanwhile_are_left_alone(source, zoo, engine, native, tmp_path):
    live = zoo(engine, migrated=True)
    place = str(tmp_path / "scratch.sqlite3") if engine == "sqlite" else f"{live.name}_scratch"
    package = source.package
    if native:
        package = tmp_path.parent / f"{live.name.rpartition('/')[2]}.tar.gz"
        live.json("trigger_backup", "--type", "DATABASE", "--no-encryption", "--output", str(package))
    said = live.run("shell", "-v0", "-c", MEANWHILE.format(place=place, package=str(package))).stdout
    assert "refused: " in said
    if engine == "sqlite":
        assert "somebody's ['scratch.sqlite3']" in said
    else:
        assert f"[('{place}',)]" in said


def test_users_of_the_ledger_are_known_by_their_names(source, zoo):
    target = zoo("sqlite", migrated=True)
    for number, name in ((1, "bert"), (2, "änna"), (3, "carl")):
        target.write(
            "INSERT INTO auth_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name,"
            " email, date_joined) VALUES (?, ?, '', 0, 0, 1, '', '', '', '2026-01-01')",
            number,
            name,
        )
    options = ("--type", "FULL", "--frequency", "ON_DEMAND", "--yes")
    for name in ("of änna", "of bert"):
        target.run("manage_backup_configs", "--create", "--name", name, *options)
    target.write("UPDATE backup_backupconfiguration SET created_by_id = 2 WHERE name = 'of änna'")
    target.write("UPDATE backup_backupconfiguration SET created_by_id = 1 WHERE name = 'of bert'")
    target.take_in(source.package)
    # In the package änna has the number that bert had here.
    assert target.rows("SELECT name, created_by_id FROM backup_backupconfiguration ORDER BY name") == [
        ("of bert", None),
        ("of änna", source.rows("SELECT id FROM auth_user")[0][0]),
    ]
