"""The plan names values that the database here cannot hold, before anything changes."""

from __future__ import annotations

import functools
import io
import json

import pytest
from tests.backup.testing.zoo import SAMPLED, kept

from strongroom.entries import Folder, Stream
from strongroom.packages import open_package, write_package

TOO_MUCH = {
    "char": "replace(hex(zeroblob(21)), '0', 'x')",
    "text": "'a' || char(0) || 'b'",
    "integer": "1 << 40",
    "small": "40000",
    "floating": "9e999",
    "document": "'\"\\u0000\"'",
    "positive": "1 << 40",
}
"""Values that SQLite takes and others do not, by column."""


@pytest.fixture(scope="module")
def overfull(zoo):
    source = zoo("sqlite", migrated=True)
    source.fill()
    columns = ", ".join(TOO_MUCH)
    source.write(f"INSERT INTO zoo_everything (label, {columns}) VALUES ('much', {', '.join(TOO_MUCH.values())})")
    return source.export()


def obstacles(plan: dict) -> dict[str, str]:
    return dict(text.split(": ", 1) for text in plan["blocking"])


@pytest.mark.postgresql
def test_values_that_postgresql_refuses_are_named(overfull, zoo):
    target = zoo("postgresql")
    found = obstacles(target.plan(overfull, blocked=True))
    assert found == {
        "zoo_everything.char": "has more than 40 characters",
        "zoo_everything.text": "holds a NUL character, which PostgreSQL has not",
        "zoo_everything.integer": "is outside of -2147483648 to 2147483647",
        "zoo_everything.small": "is outside of -32768 to 32767",
        "zoo_everything.document": "holds a NUL character, which PostgreSQL has not",
        "zoo_everything.positive": "is outside of 0 to 2147483647",
    }
    refused = target.run("restore_backup", "--package", str(overfull), "--yes", expect=1)
    assert "Nothing was changed" in refused.stderr
    assert "zoo_everything.char: has more than 40 characters" in refused.stderr


@pytest.mark.mariadb
def test_values_that_mariadb_refuses_are_named(overfull, zoo):
    plan = zoo("mysql").plan(overfull, blocked=True)
    assert any("collations" in text and "zoo_everything.label" in text for text in plan["warnings"])
    found = obstacles(plan)
    assert found == {
        "zoo_everything.char": "has more than 40 characters",
        "zoo_everything.integer": "is outside of -2147483648 to 2147483647",
        "zoo_everything.small": "is outside of -32768 to 32767",
        "zoo_everything.floating": "is Infinity, which mysql has not",
        "zoo_everything.positive": "is outside of 0 to 4294967295",
    }


@pytest.mark.postgresql
def test_values_that_sqlite_refuses_are_named_and_can_be_left_out(zoo):
    source = zoo("postgresql", ZOO_APPS='["arrays", "django.contrib.postgres"]')
    values = source.fill()
    source.sql(
        "INSERT INTO zoo_everything (label, floating, moment, date, duration) VALUES"
        " ('odd', 'NaN', 'infinity', '0044-03-15 BC', '200000000 days');"
        "INSERT INTO zoo_precise (number) VALUES (12345678901234567890.0123456789);"
        "INSERT INTO arrays_arrays (words, grid, moments, bits, span) VALUES"
        " (ARRAY['a', NULL, '\"', 'x,y', '\\'], '{{1.5,-0},{Infinity,2}}', ARRAY['2026-01-02'::timestamptz],"
        "  ARRAY['\\x00ff'::bytea], int4range(1, 5));"
        "CREATE TABLE spans (id int PRIMARY KEY, span int4range, plain int[]);"
        "INSERT INTO spans VALUES (1, '[1,5)', '{1,NULL}')"
    )
    # Items of an array of texts may be names of files, too.
    assert "'arrays.Arrays.words': 1" in source.run("shell", "-c", SAMPLED).stdout
    package = source.export()
    plan = zoo("sqlite").plan(package, blocked=True)
    assert any("arrays_arrays of arrays.Arrays has no model here" in text for text in plan["blocking"])

    # The same kind of database takes all of it.
    again = zoo("postgresql", ZOO_APPS='["arrays", "django.contrib.postgres"]')
    again.take_in(package)
    query = "SELECT words::text, grid::text, moments::text, bits::text, span::text FROM arrays_arrays"
    for statement in (query, "SELECT * FROM spans", "SELECT number FROM zoo_precise ORDER BY id"):
        assert again.query(statement) == source.query(statement)
    odd = "SELECT floating::text, moment::text, date::text, duration::text FROM zoo_everything WHERE label = 'odd'"
    assert again.query(odd) == source.query(odd)

    left = ("--leave-out", "arrays_arrays", "--leave-out", "spans")
    plan = zoo("sqlite").plan(package, *left, blocked=True)
    assert obstacles(plan) == {
        "zoo_everything.floating": "is NaN, which sqlite has not",
        "zoo_everything.moment": "is 'infinity', which sqlite has not",
        "zoo_everything.date": "is '0044-03-15 BC', which sqlite has not",
        "zoo_everything.duration": "is longer than sqlite can count in microseconds",
        "zoo_precise.number": "has 30 digits; SQLite keeps 15",
    }
    source.sql("DELETE FROM zoo_everything WHERE label = 'odd'; DELETE FROM zoo_precise WHERE number > 1e10")
    other = zoo("sqlite")
    done = other.take_in(source.export(), *left)
    assert "the table spans was left out, as asked" in done["notes"]
    assert [line for line in other.show() if not line.startswith(("migrations", "contenttypes", "auth.Perm"))] == [
        line
        for line in kept(values, "sqlite")
        if not line.startswith(("migrations", "contenttypes", "auth.Perm", "arrays"))
    ]


def test_a_type_that_is_other_sql_is_refused(zoo, overfull, tmp_path):
    """Texts of a package become parts of statements, and packages may come from anywhere."""
    package = open_package(overfull)
    manifest = json.loads(package.manifest)
    (table,) = (one for one in manifest["data"][0]["tables"] if one["name"] == "legacy")
    table["columns"][0] |= {"kind": "mixed", "type": "text); DROP TABLE auth_user; --"}
    with package.members(b"data") as members:
        rows = {member.name.rpartition(b"/")[2]: content.read(1 << 20) for member, content in members}
    entries = [
        Folder(b"data", [Stream(name, functools.partial(io.BytesIO, lines)) for name, lines in rows.items()]),
        Stream(b"manifest.json", lambda: io.BytesIO(json.dumps(manifest).encode())),
    ]
    write_package(tmp_path / "evil.tar.gz", entries, mtime_ns=0)
    plan = zoo("sqlite").plan(tmp_path / "evil.tar.gz", "--only", "database", blocked=True)
    assert any(text.startswith("legacy.") and "no name of one" in text for text in plan["blocking"]), plan


def test_left_out_tables_must_exist(zoo, overfull):
    plan = zoo("sqlite").plan(overfull, "--leave-out", "nothing", blocked=True)
    assert plan["blocking"] == ["nothing is to be left out, but the package has no such table"]
