"""The forms of values: what is written comes back, and nothing else is taken."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import sqlite3
import zoneinfo

import pytest
from django.db import connection, models
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.backup.core.manifest import ColumnRecord, DataRecord, TableRecord
from apps.backup.core.sql import quoted
from apps.backup.errors import RestoreFailed
from apps.backup.portable.canonical import RowDigest, normal_json
from apps.backup.portable.durations import duration_form, interval_text, microseconds
from apps.backup.portable.engines.base import Timestamps, convert_columns
from apps.backup.portable.engines.postgresql import _copy_lines
from apps.backup.portable.engines.sqlite import SqliteReading, SqliteWriting
from apps.backup.portable.errors import NotPortable, TableUnreadable
from apps.backup.portable.forms import Kind, encode_rows, is_type_name
from apps.backup.portable.limits import check_for
from apps.backup.portable.rows import encoded_lines, read_rows
from apps.backup.restores.engines.fill_base import definitions
from apps.backup.sources.errors import CaptureFailed
from apps.backup.sources.file_references import NamedFiles
from apps.backup.sources.portable_rows import PortableCapture
from strongroom.streams import PiecesReader

UTC = Timestamps(datetime.UTC, datetime.UTC, bare=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DECLARED = {
    Kind.BOOLEAN: ("bool", st.booleans()),
    Kind.INTEGER: ("bigint", st.integers(-(2**63), 2**63 - 1)),
    # SQLite keeps no sign of a zero.
    Kind.FLOAT: ("real", st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)),
    Kind.TEXT: ("text", TEXT),
    Kind.BINARY: ("BLOB", st.binary()),
    Kind.DATE: ("date", st.dates().map(datetime.date.isoformat)),
    Kind.TIME: ("time", st.times().map(datetime.time.isoformat)),
    Kind.DATETIME: ("datetime", st.datetimes().map(lambda moment: moment.isoformat() + "Z")),
    Kind.DURATION: ("bigint", st.integers(-(2**63), 2**63 - 1)),
    Kind.UUID: ("char(32)", st.uuids().map(str)),
    Kind.JSON: ("text", st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists).map(json.dumps)),
    Kind.ADDRESS: ("char(39)", st.ip_addresses().map(str)),
}


def table(*kinds, key=("c0",), nullable=True, rows=0):
    columns = [ColumnRecord(name=f"c{n}", kind=kind, type="", nullable=nullable) for n, kind in enumerate(kinds)]
    return TableRecord(
        name="t", path="data/t.ndjson", model="", columns=columns, key=[*key], rows=rows, size=0, sha256=""
    )


ALL = table(*DECLARED)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(*(st.none() | values for _, values in DECLARED.values())), max_size=20))
def test_every_kind_goes_into_sqlite_and_comes_back(rows):
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        columns = ", ".join(f"c{n} {declared}" for n, (declared, _) in enumerate(DECLARED.values()))
        database.execute(f"CREATE TABLE t ({columns}, place integer)")
        keyed = table(*DECLARED, Kind.INTEGER, key=["place"])
        keyed.columns[-1] = ColumnRecord(name="place", kind=Kind.INTEGER, type="", nullable=False)
        numbered = [(*row, number) for number, row in enumerate(rows)]
        writing = SqliteWriting(database, timestamps=UTC)
        writing.insert(keyed, convert_columns(numbered, writing.converters(keyed)))
        found = []
        reading = SqliteReading(database, timestamps=UTC, places={})
        reader = PiecesReader(encoded_lines(reading.batches(keyed), lambda *figures: found.append(figures)))
        lines = reader.read(1 << 30)
        while more := reader.read(1 << 30):
            lines += more
    assert lines == encode_rows(numbered)
    assert found[0][:2] == (len(rows), len(lines))


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    record = DataRecord(
        "default", "sqlite", "3", datetime.datetime.now(datetime.UTC), "UTC", False, {}, {}, [table(Kind.TEXT)]
    )
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        reading = SqliteReading(database, timestamps=UTC, places={})
        (stream,) = PortableCapture(record, reading, NamedFiles(tmp_path / "named", []), []).entries()
        with pytest.raises(CaptureFailed, match="The table 't' of the database 'default' cannot be read: "):
            stream.open()


class Pieces:
    """A stream in pieces of any size."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content = io.BytesIO(content)
        self.size = size

    def read(self, size: int, /) -> bytes:
        return self.content.read(min(size, self.size))

    def close(self) -> None:
        self.content.close()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(*(st.none() | values for _, values in DECLARED.values())), max_size=20),
    size=st.integers(1, 300),
)
def test_lines_are_taken_apart_wherever_they_are_cut(rows, size):
    here = table(*DECLARED, rows=len(rows))
    found = [row for batch in read_rows(here, Pieces(encode_rows(rows), size)) for row in batch]
    assert found == rows


BAD = {
    "too few values": b"[1]\n",
    "too many values": b'[1,"x",2]\n',
    "a text for a number": b'["1","x"]\n',
    "a number for a text": b"[1,2]\n",
    "an object": b'{"c0":1,"c1":"x"}\n',
    "a null that may not be": b'[null,"x"]\n',
    "no JSON": b"[1,\n",
    "no UTF-8": b'[1,"\xff"]\n',
    "no end": b'[1,"x"]',
    "more rows": b'[1,"x"]\n[2,"y"]\n',
    "fewer rows": b"",
}


@pytest.mark.parametrize("lines", BAD.values(), ids=BAD)
def test_invalid_rows_are_refused(lines):
    here = table(Kind.INTEGER, Kind.TEXT, nullable=False, rows=1)
    with pytest.raises(NotPortable, match=r"data/t\.ndjson"):
        list(read_rows(here, Pieces(lines, 1000)))


def test_a_list_that_is_nested_too_deeply_is_no_row():
    with pytest.raises(NotPortable, match=r"data/t\.ndjson"):
        list(read_rows(table(Kind.ARRAY, rows=1), Pieces(b"[" * 100_000 + b"]" * 100_000 + b"\n", 1000)))


@given(rows=st.lists(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                              min_size=2, max_size=2)))  # fmt: skip
def test_copy_lines_mean_what_they_were_made_of(rows):
    def cell(text: str) -> str | None:
        if text == "\\N":
            return None
        return (
            text.replace("\\\\", "\0")
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t")
            .replace("\0", "\\")
        )

    lines = _copy_lines([tuple(row) for row in rows]).decode().split("\n")[:-1]
    assert [[cell(part) for part in line.split("\t")] for line in lines] == rows


@given(value=st.dictionaries(TEXT, st.integers() | TEXT | st.none() | st.booleans()))
def test_the_normal_form_of_json_sees_values_and_not_their_spelling(value):
    turned = dict(reversed(value.items()))
    assert normal_json(json.dumps(value)) == normal_json(json.dumps(turned, indent=3, ensure_ascii=False))
    assert normal_json(json.dumps([value])) != normal_json(json.dumps(value))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.50", "1.5", True),
        ("1e2", "100", True),
        ("-0.0", "0", True),
        ("1e400", "1" + "0" * 400, True),
        ("1", '"1"', False),
        ("12345678901234567890.1", "12345678901234567890.2", False),
        ('["\\u0041"]', '["A"]', True),
        ("null", '"null"', False),
    ],
)
def test_numbers_in_json_are_compared_by_every_digit(one, other, same):
    assert (normal_json(one) == normal_json(other)) is same
    digests = [RowDigest(table(Kind.JSON), normal=True) for _ in "ab"]
    for digest, text in zip(digests, (one, other), strict=True):
        digest.add([(text,)])
    assert (digests[0].hexdigest() == digests[1].hexdigest()) is same


@pytest.mark.parametrize("normal", [True, False])
def test_the_sign_of_a_zero_is_compared_where_the_database_is_the_same(normal):
    digests = [RowDigest(table(Kind.FLOAT), normal=normal) for _ in "ab"]
    digests[0].add([(-0.0,), (None,), ("NaN",), (-1.5,)])
    digests[1].add([(0.0,), (None,), ("NaN",), (-1.5,)])
    assert (digests[0].hexdigest() == digests[1].hexdigest()) is normal


@given(moment=st.datetimes(allow_imaginary=False).filter(lambda moment: 1 < moment.year < 9999))
@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
def test_moments_come_back_to_the_clock_that_they_were_stored_by(moment, bare, zone):
    stored_in = None if zone is None else datetime.UTC if zone == "UTC" else zoneinfo.ZoneInfo(zone)
    timestamps = Timestamps(stored_in, zoneinfo.ZoneInfo("Asia/Kathmandu"), bare=bare)
    form = timestamps.to_form(moment)
    assert form.endswith("Z") is not bare
    # Before the railways clocks went by the sun, and two of their timestamps may have one name.
    if moment.year > 1990:
        assert timestamps.from_form(form) == moment


@pytest.mark.parametrize(
    ("declared", "kind", "value"),
    [
        ("integer", Kind.INTEGER, "seven"),
        ("text", Kind.TEXT, b"\xff"),
        ("bool", Kind.BOOLEAN, 2),
        ("date", Kind.DATE, "2026-02-30"),
        ("char(32)", Kind.UUID, "no uuid"),
        ("BLOB", Kind.BINARY, "text"),
        ("datetime", Kind.DATETIME, 12),
    ],
)
def test_values_of_undeclared_types_are_named(declared, kind, value):
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE t (c0 integer, c1 {declared})")
        database.execute("INSERT INTO t VALUES (41, NULL), (42, ?)", [value])
        batches = SqliteReading(database, timestamps=UTC, places={}).batches(table(Kind.INTEGER, kind))
        with pytest.raises(TableUnreadable, match=f"The column c1 of the table t holds, where c0 42, .* no {kind}"):
            batches.fetch(10)


@pytest.mark.parametrize(
    ("field", "kind", "good", "bad", "said"),
    [
        (models.DecimalField(max_digits=30, decimal_places=2), "decimal", "1000000", "12345678901234.56", "keeps 15"),
        (models.IntegerField(), "integer", 2**63 - 1, 2**63, "is outside of"),
        (models.DurationField(), "duration", 2**63 - 1, 2**63, "longer than sqlite can count"),
        (models.DurationField(), "duration", 0, "1 mon", "which sqlite has not"),
        (models.FloatField(), "float", "Infinity", "NaN", "which sqlite has not"),
        (models.DateField(), "date", "0001-01-01", "infinity", "which sqlite has not"),
        (models.UUIDField(), "uuid", "00000000-0000-0000-0000-000000000000", "x", "no UUID"),
        (models.DecimalField(max_digits=9, decimal_places=2), "decimal", "1.5", "x", "no number"),
        (models.JSONField(), "json", "[1e400]", "[1", "cannot be read"),
    ],
)  # fmt: skip
def test_values_that_sqlite_cannot_store(field, kind, good, bad, said):
    check = check_for(ColumnRecord(name="c", kind=kind, type="", nullable=True), field, connection)
    assert check.all_fit([good])
    assert check.reason(good) == ""
    assert not check.all_fit([good, bad])
    assert said in check.reason(bad)


TYPES = (
    *("", "integer", "INT", "varchar(20)", "VARCHAR (20)", "numeric(10,2)", "NUMERIC(10, 2)", "integer[]", "text[][]"),
    *("timestamp(3) without time zone", "double precision", "interval day to second(3)", '"char"', "bit varying(5)"),
    *(
        "public.citext",
        'other."My ""Type"""',
        "geometry(Point,4326)",
        "numeric(3,-2)",
        "größe",
        "unsigned  big\n int",
        "a ( +1.5 , 2 )",
    ),
    *("enum('a','b''c',') ;--')", "set('x')", "int(10) unsigned zerofill", "national character varying(10)"),
)
NO_TYPES = (
    *("int4range); DROP ROLE victim; CREATE TABLE t (id int", "int);", "int)", "(int", "int, x int", "int;", "int --"),
    *(
        "int /* x */",
        "int # x",
        "int DEFAULT (SELECT 1)",
        "int DEFAULT f()",
        "int DEFAULT 'x'",
        "int DEFAULT f(1)",
        "int CHECK (a > 1)",
    ),
    *(
        "enum('a\\'), ('",
        "enum('a)",
        '"a',
        "'a'",
        "int\n",
        "int\0",
        " int",
        "int  ",
        "1",
        "int AS (a || b)",
        "a..b",
        "default f(1)",
        "int REFERENCES users (id)",
        "int not null",
        "a" + " " * 200_000 + "(",
        "a" + " b" * 100_000 + ";",
        "()",
    ),
)


@pytest.mark.parametrize("text", TYPES)
def test_a_type_is_named_as_the_databases_do(text):
    assert is_type_name(text)


@pytest.mark.parametrize("text", NO_TYPES)
def test_type_names_of_packages_inject_no_sql(text):
    assert not is_type_name(text)
    column = ColumnRecord(name="a", kind="native", type=text, nullable=True)
    table = TableRecord(name="t", path="", model="", columns=[column], key=["a"], rows=0, size=0, sha256="")
    with pytest.raises(RestoreFailed, match=r"t\.a is no name of a type"):
        definitions(table, lambda one: one.type, quoted)


@pytest.mark.parametrize(
    ("text", "form", "length"),
    [
        ("00:00:00", 0, 0),
        ("1 day", 86_400_000_000, 86_400_000_000),
        ("-1 days +23:59:58.5", -1_500_000, -1_500_000),
        ("2 days 00:00:00.000001", 172_800_000_001, 172_800_000_001),
        # Equal to others in length, and other intervals to PostgreSQL.
        ("-00:00:01.5", "-00:00:01.5", -1_500_000),
        ("24:00:00", "24:00:00", 86_400_000_000),
        ("1 mon 2 days", "1 mon 2 days", None),
    ],
)
def test_an_interval_comes_back_as_it_was_written(text, form, length):
    assert duration_form(text) == form
    assert microseconds(form) == length
    assert text in {form, None if length is None else interval_text(length)}


@given(st.integers(-(2**62), 2**62))
def test_durations_of_django_are_numbers(length):
    assert duration_form(interval_text(length)) == length
