"""Random tables with random rows: where the plan of a restore says yes, the restore completes and compares equal.

`RANDOM_SCHEMAS=20` tries twenty databases of each kind instead of one.
"""

from __future__ import annotations

import dataclasses
import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.backup.portable.conftest import Zoo
from tests.backup.portable.test_shapes import run_all

EXAMPLES = int(os.environ.get("RANDOM_SCHEMAS", "1"))
TEXTS = st.sampled_from(
    ["", "a", "A", "ä", "a ", "it's", 'q"q', "\\", "new\nline", "tab\t", "NULL", "{1,2}", "日本", "%s"]
)
NUMBERS = st.sampled_from([0, 1, -1, 2, 7, 127, 128, 32767, -32768, 2147483647, -2147483648])
EVERYWHERE = {
    "integer": NUMBERS.map(str),
    "bigint": st.sampled_from(["0", "9223372036854775807", "-9223372036854775808", "42"]),
    "varchar(20)": TEXTS.map(lambda text: "'" + text.replace("'", "''") + "'"),
    "decimal(12,3)": st.sampled_from(["0", "1.5", "-123456.789", "0.001"]),
    "date": st.sampled_from(["'2026-01-02'", "'0001-01-01'", "'9999-12-31'"]),
}
TYPES = {
    "sqlite": EVERYWHERE
    | {
        "": st.sampled_from(["1", "'one'", "1.5", "x'00ff'", "NULL"]),
        "text": st.sampled_from(["'a'", "char(0)", "''"]),
        "blob": st.sampled_from(["x''", "x'00'", "x'ff00'"]),
        "real": st.sampled_from(["0.1", "1e300", "-0.0", "9e999"]),
        "datetime": st.sampled_from(["'2026-01-02 03:04:05.678'", "'no date'"]),
    },
    "postgresql": EVERYWHERE
    | {
        "text": st.sampled_from(["'a'", "E'\\\\x41'", "''"]),
        "bytea": st.sampled_from(["'\\x00ff'::bytea", "''::bytea"]),
        "double precision": st.sampled_from(["0.1", "'NaN'", "'-Infinity'", "'-0'"]),
        "timestamptz": st.sampled_from(["'2026-01-02 03:04:05.678+00'", "'infinity'", "'0044-03-15 BC'"]),
        "interval": st.sampled_from(["'1 day'", "'1 month 2 days'", "'-00:00:01.5'"]),
        "int[]": st.sampled_from(["'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'"]),
        "jsonb": st.sampled_from(["'null'", '\'{"b": 1, "a": [1.50]}\'']),
        "int4range": st.sampled_from(["'[1,5)'", "'empty'"]),
        "inet": st.sampled_from(["'10.0.0.0/8'", "'::1'"]),
        "tsvector": st.sampled_from(["'a:1 b:2'::tsvector"]),
        "point": st.sampled_from(["'(1,2)'"]),
        "bit(3)": st.sampled_from(["B'101'"]),
    },
    "mysql": EVERYWHERE
    | {
        "longtext": st.sampled_from(["'a'", "'a\\\\b'", "''"]),
        "blob": st.sampled_from(["x'00ff'", "''"]),
        "double": st.sampled_from(["0.1", "1e300", "-0.0"]),
        "datetime(6)": st.sampled_from(["'2026-01-02 03:04:05.678'", "'0000-00-00'"]),
        "time(6)": st.sampled_from(["'-01:00:00'", "'838:59:59'", "'01:02:03.5'"]),
        "json": st.sampled_from(["'null'", '\'{"b": 1, "a": [1.50]}\'']),
        "enum('x','y')": st.sampled_from(["'x'", "'y'"]),
        "bit(3)": st.sampled_from(["b'101'"]),
        "year": st.sampled_from(["2026", "1901"]),
    },
}
SHOWN = {"sqlite": "quote({})", "postgresql": "{}::text", "mysql": "HEX(CAST({} AS BINARY))"}
"""A value as the database itself writes it, whatever a driver makes of it."""
INDEXED = ("integer", "bigint", "varchar(20)", "date", "decimal(12,3)")


@dataclasses.dataclass
class Table:
    """One table as SQL. `key` is the column that others may refer to, with its values."""

    name: str
    create: str
    inserts: list[str]
    select: str
    key: tuple[str, list[str]] | None


@st.composite
def tables(draw: st.DrawFn, engine: str, number: int, earlier: list[Table]) -> Table:
    kinds = TYPES[engine]
    columns = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=5))
    names = [f"c{place} Ü" if place % 3 == 2 else f"c{place}" for place in range(len(columns))]
    quote = "`" if engine == "mysql" else '"'
    indexed = [place for place, kind in enumerate(columns) if kind in INDEXED]
    key = draw(st.sampled_from([(), *((place,) for place in indexed), tuple(indexed)]))
    unique = draw(st.sampled_from([(), *((place,) for place in indexed)]))
    parents = [one for one in earlier if one.key and one.key[1]]
    parent = draw(st.sampled_from([None, *parents]))
    nulls = st.just("NULL")
    values = [kinds[kind] if place in key else nulls | kinds[kind] for place, kind in enumerate(columns)]
    rows = [tuple(map(draw, values)) for _ in range(draw(st.integers(0, 4)))]
    for chosen in filter(None, (key, unique)):
        # Also equal are those that a collation takes for equal.
        rows = list({tuple(row[place].casefold().strip(" '") for place in chosen): row for row in rows}.values())
    required = [" NOT NULL" if place in key else "" for place in range(len(columns))]
    parts = [f"{quote}{name}{quote} {kind}{word}" for name, kind, word in zip(names, columns, required, strict=True)]
    if parent is not None:
        kind, referred_to = parent.key
        parts.append(f"{quote}ref{quote} {kind}")
        rows = [(*row, draw(st.sampled_from([*referred_to, "NULL"]))) for row in rows]
        names.append("ref")
        parts.append(f"FOREIGN KEY ({quote}ref{quote}) REFERENCES {parent.name} ({quote}c0{quote})")
    for word, chosen in (("PRIMARY KEY", key), ("UNIQUE", unique)):
        if chosen:
            parts.append(f"{word} ({', '.join(quote + names[place] + quote for place in chosen)})")
    name = f"random_{number}"
    referred = (columns[0], [row[0] for row in rows]) if key == (0,) else None
    inserts = [f"INSERT INTO {name} VALUES ({', '.join(row)})" for row in rows]
    shown = ", ".join(SHOWN[engine].format(f"{quote}{one}{quote}") for one in names)
    return Table(name, f"CREATE TABLE {name} ({', '.join(parts)})", inserts, f"SELECT {shown} FROM {name}", referred)


@st.composite
def schemas(draw: st.DrawFn, engine: str) -> list[Table]:
    made: list[Table] = []
    for number in range(10):
        made.append(draw(tables(engine, number, made)))
    return made


def content(project: Zoo, found: list[Table]) -> list[list[str]]:
    """Every row of every table, in no order that a restore would have to keep."""
    lines = run_all(project, [one.select for one in found])
    return [sorted(line.removeprefix("= ").strip("[]()").split("), (")) for line in lines]


def strict(engine: str) -> list[str]:
    return ["SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'"] if engine == "mysql" else []


def make(project: Zoo, engine: str, schema: list[Table]) -> None:
    run_all(
        project, [*strict(engine), *(one.create for one in schema), *(text for one in schema for text in one.inserts)]
    )


@pytest.mark.parametrize(
    "engine",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mysql", marks=pytest.mark.mariadb),
    ],
)
def test_a_yes_is_kept(engine, zoo):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES == 1,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schemas(engine))
    def check(schema: list[Table]) -> None:
        source = zoo(engine)
        source.run("migrate", "-v0")
        make(source, engine, schema)
        before = content(source, schema)
        require_kept_package(source, zoo(engine), schema, before)
        if engine != "mysql":
            require_kept_backup(source, schema, before)

    check()


def require_kept_package(source: Zoo, target: Zoo, schema: list[Table], before: list[list[str]]) -> None:
    package = source.home / "random.tar.gz"
    made = source.run(
        *("trigger_backup", "--type", "EXPORT", "--no-encryption", "--output", str(package), "--json"), expect=None
    )
    # A value that has no form ends it, with its column; then there is no backup that could promise anything.
    if made.returncode != 0:
        assert "set it right" in made.stdout, made
        return
    plan = target.run("restore_backup", "--package", str(package), "--dry-run", "--json", expect=None)
    words = ("restore_backup", "--package", str(package), "--yes", "--no-safety-backup", "--json")
    done = target.run(*words, expect=None)
    assert plan.returncode == done.returncode, (schema, plan.stdout, done.stdout, done.stderr)
    if done.returncode == 0:
        assert content(target, schema) == before


def require_kept_backup(source: Zoo, schema: list[Table], before: list[list[str]]) -> None:
    made = source.json("trigger_backup", "--type", "FULL", "--no-encryption")
    assert (made["status"], made["trust"]) == ("COMPLETED", "VERIFIED"), (schema, made)
    source.run(
        "shell", "-v0", "-c", "from django.contrib.auth.models import User; User.objects.create(username='later')"
    )
    for word in [f"DROP TABLE {one.name}" for one in reversed(schema)]:
        source.sql(word)
    assert source.json("restore_backup", made["job"], "--dry-run")["blocking"] == []
    source.json("restore_backup", made["job"], "--yes", "--no-safety-backup")
    assert content(source, schema) == before
