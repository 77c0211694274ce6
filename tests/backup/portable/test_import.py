"""Into systems that hold something; all or nothing; the same twice."""

from __future__ import annotations

import subprocess

import pytest
from tests.backup.portable.conftest import Zoo


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
    target = zoo("sqlite", ZOO_APPS='["django.contrib.sites", "django.contrib.sessions"]')
    target.run("migrate", "-v0")
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


def test_rows_that_do_not_fit_together_change_nothing(source, zoo):
    broken = zoo("sqlite")
    broken.take_in(source.package)
    broken.write("INSERT INTO zoo_hen (egg_id) VALUES (4711)")
    package = broken.export()
    target = zoo("sqlite")
    target.take_in(source.package)
    before = target.show()
    refused = target.run("restore_backup", "--package", str(package), "--yes", "--no-safety-backup", "--json", expect=1)
    assert "a row of zoo_hen (rowid 2) refers to no row of zoo_egg" in refused.stdout
    assert "Nothing live was changed" in refused.stdout
    assert target.show() == before
    assert not list(target.home.glob("*edms-restore*new*")), "what was staged is gone"


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
