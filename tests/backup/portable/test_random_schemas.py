"""Random tables with random rows: where the plan of a restore says yes, the restore completes and compares equal.

`RANDOM_SCHEMAS=20` tries twenty databases of each kind instead of one.
"""

from __future__ import annotations

import ast
import dataclasses
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.backup.portable.test_shapes import run_all
from tests.backup.testing.zoo import Zoo

EXAMPLES = int(os.environ.get("RANDOM_SCHEMAS", "1"))
TABLES = 10 if EXAMPLES == 1 else 25
ENGINES = ("sqlite", "postgresql", "mysql")
WORDS = ["{1,2}", "日本", "%s", "🎉", "\x01", "\\N"]
TEXTS = st.sampled_from([*WORDS, "", "a", "A", "ä", "a ", "it's", 'q"q', "\\", "new\nline", "tab\t", "NULL"])
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
        "": st.sampled_from(["1", "1.0", "'one'", "1.5", "x'00ff'", "9e999", "'Infinity'", "'1'"]),
        "text": st.sampled_from(["'a'", "char(0)", "''", "x'41'"]),
        "blob": st.sampled_from(["x''", "x'00'", "x'ff00'", "'text'"]),
        "real": st.sampled_from(["0.1", "1e300", "-0.0", "9e999", "0.1 + 0.2", "5e-324"]),
        "int": st.sampled_from(["1", "'a'", "1.5", "1e300", "9223372036854775807"]),
        "any": st.sampled_from(["'1'", "1", "1.0", "x'31'"]),
        "bool": st.sampled_from(["0", "1", "2", "'yes'"]),
        "date": st.sampled_from(["'2026-01-02'", "'2026-01-02 10:00:00'", "2459000.5"]),
        "time": st.sampled_from(["'01:02:03'", "'25:00'", "'01:02'"]),
        "datetime": st.sampled_from(["'2026-01-02 03:04:05'", "'2026-01-02 03:04:05.678'", "'2026-01-02T03:04+02:00'"]),
        "timestamp": st.sampled_from(["'no date'", "1767323045", "CURRENT_TIMESTAMP"]),
    },
    "postgresql": EVERYWHERE
    | {
        "text": st.sampled_from(["'a'", "E'\\\\x41'", "''", "E'\\u200b'"]),
        "char(5)": st.sampled_from(["'a'", "''", "' a '"]),
        '"char"': st.sampled_from(["'a'", "''"]),
        "citext": st.sampled_from(["'a'", "'A'", "'a '"]),
        "bytea": st.sampled_from(["'\\x00ff'::bytea", "''::bytea"]),
        "smallint": st.sampled_from(["32767", "-32768"]),
        "real": st.sampled_from(["0.1", "16777217", "3.4028235e38", "1e-45", "'NaN'"]),
        "double precision": st.sampled_from(["0.1", "'NaN'", "'-Infinity'", "'-0'", "0.1::float8 + 0.2", "5e-324"]),
        "numeric": st.sampled_from(["1.0", "1.00", "'NaN'", "1e100", "-0.000000000000000000001"]),
        "money": st.sampled_from(["'12.34'", "'-0.01'"]),
        "date": st.sampled_from(["'infinity'", "'0044-03-15 BC'", "'12026-01-02'", "'2026-01-02'"]),
        "time": st.sampled_from(["'24:00:00'", "'01:02:03.5'"]),
        "timetz": st.sampled_from(["'01:02:03.5+05:30'"]),
        "timestamp": st.sampled_from(
            ["'2026-01-02 03:04:05.678'", "'-infinity'", "'0044-03-15 BC'", "'12026-01-02 03:04:05'"]
        ),
        "timestamptz": st.sampled_from(
            ["'2026-01-02 03:04:05.678+00'", "'infinity'", "'0044-03-15 BC'", "'12026-01-02 03:04:05+00'"]
        ),
        "interval": st.sampled_from(["'1 day'", "'24:00:00'", "'1 month 2 days'", "'-00:00:01.5'", "'-1 day 3 hours'"]),
        "int[]": st.sampled_from(["'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={1,2}'"]),
        "text[]": st.sampled_from(["""'{"NULL",NULL,"a\\\\\\"b",""}'""", "'{}'"]),
        "timestamptz[]": st.sampled_from(["""'{"2026-01-02 03:04:05.678+00",infinity}'"""]),
        "inet[]": st.sampled_from(["'{10.0.0.0/8,::1}'"]),
        "numeric(12,3)[]": st.sampled_from(["'{1.5,NaN}'"]),
        "bytea[]": st.sampled_from(["ARRAY['\\x00ff'::bytea, NULL]"]),
        "jsonb": st.sampled_from(["'null'", '\'{"b": 1, "a": [1.50]}\'']),
        "json": st.sampled_from(["' null'", '\'{"b": 1,  "b": [1.50]}\'']),
        "int4range": st.sampled_from(["'[1,5)'", "'empty'"]),
        "tstzrange": st.sampled_from(["'[2026-01-02 03:04:05+00,)'"]),
        "inet": st.sampled_from(["'10.0.0.0/8'", "'10.0.0.1/8'", "'::1'", "'10.0.0.1'"]),
        "cidr": st.sampled_from(["'10.0.0.0/8'"]),
        "macaddr": st.sampled_from(["'08:00:2b:01:02:03'"]),
        "uuid": st.sampled_from(["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
        "xml": st.sampled_from(["'<a>&amp;</a>'::xml"]),
        "tsvector": st.sampled_from(["'a:1 b:2'::tsvector"]),
        "point": st.sampled_from(["'(1,2)'"]),
        "bit(3)": st.sampled_from(["B'101'"]),
        "bit varying(5)": st.sampled_from(["B'1'", "B''"]),
        "mood": st.sampled_from(["'sad'", "'it''s'"]),
        "mood[]": st.sampled_from(["'{sad}'"]),
        "positive": st.sampled_from(["1", "2.50"]),
        '"A Pair"': st.sampled_from(["ROW(1, 'a,b')"]),
    },
    "mysql": EVERYWHERE
    | {
        "longtext": st.sampled_from(["'a'", "'a\\b'", "''", "'🎉'"]),
        "char(5)": st.sampled_from(["'a'", "''", "'a '"]),
        "varchar(20) character set latin1": st.sampled_from(["'ä'", "'a'"]),
        "varchar(20) collate utf8mb4_bin": st.sampled_from(["'a'", "'A'", "'a '"]),
        "blob": st.sampled_from(["x'00ff'", "''"]),
        "binary(3)": st.sampled_from(["x'00ff'", "'a'"]),
        "tinyint(1)": st.sampled_from(["0", "1", "2", "-1"]),
        "bigint unsigned": st.sampled_from(["18446744073709551615", "0"]),
        "float": st.sampled_from(["1.2345678", "16777217", "3.4028234e38", "-0.0"]),
        "double": st.sampled_from(["0.1", "1e300", "-0.0", "0.1e0 + 0.2e0", "5e-324"]),
        "decimal(65,30)": st.sampled_from(["-99999999999999999999999999999999999.999999999999999999999999999999"]),
        "date": st.sampled_from(["'0000-00-00'", "'2026-02-00'", "'2026-01-02'"]),
        "datetime": st.sampled_from(["'2026-00-10 01:02:03'", "'2026-01-02 03:04:05'"]),
        "datetime(6)": st.sampled_from(["'2026-01-02 03:04:05.678'", "'0000-00-00'"]),
        "timestamp null": st.sampled_from(["'1970-01-02 00:00:01'", "'2038-01-18 03:14:07'"]),
        "time(6)": st.sampled_from(["'-01:00:00'", "'838:59:59'", "'01:02:03.5'"]),
        "json": st.sampled_from(["'null'", '\'{"b": 1, "a": [1.50]}\'']),
        "enum('x','y')": st.sampled_from(["'x'", "'y'"]),
        "set('a','it''s')": st.sampled_from(["''", "'a'", "'a,it''s'"]),
        "bit(3)": st.sampled_from(["b'101'"]),
        "bit(64)": st.sampled_from(["b'1'", "18446744073709551615"]),
        "year": st.sampled_from(["2026", "1901", "0"]),
        "uuid": st.sampled_from(["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
        "inet6": st.sampled_from(["'::1'", "'10.0.0.1'"]),
        "point": st.sampled_from(["ST_GeomFromText('POINT(1 2)')"]),
    },
}
BEFORE = {
    "sqlite": [],
    "mysql": [],
    "postgresql": [
        "CREATE EXTENSION IF NOT EXISTS citext",
        "CREATE TYPE mood AS ENUM ('sad', 'it''s')",
        "CREATE DOMAIN positive AS numeric CHECK (VALUE > 0)",
        'CREATE TYPE "A Pair" AS (a int, "b c" text)',
        "CREATE FUNCTION plain(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(word) $$",
        "CREATE FUNCTION slug(a text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN plain(a); END $$",
    ],
}
SHOWN = {
    "sqlite": "CASE typeof({0}) WHEN 'real' THEN printf('%!.17g', {0}) WHEN 'text' THEN 't' || hex({0})"
    " ELSE quote({0}) END",
    "postgresql": "{0}::text",
    "mysql": "HEX(CAST({0} AS BINARY))",
}
"""A value as the database itself writes it, whatever a driver makes of it."""
SHOWN_OF_TYPE = {
    "float": "CAST({0} + 0e0 AS CHAR)",
    "bit(3)": "CAST({0} + 0 AS CHAR)",
    "bit(64)": "CAST({0} + 0 AS CHAR)",
    "varchar(20) character set latin1": "HEX(CAST(CONVERT({0} USING utf8mb4) AS BINARY))",
    "point": "HEX({0})",
}
INDEXED = ("integer", "bigint", "varchar(20)", "date", "decimal(12,3)")
NAMES = ("c0", "c1 Ü", "select", 'qu"ote', "C5", "per%cent", "back`tick")
STRICT = {"integer", "real", "any"}


@dataclasses.dataclass
class Table:
    """One table as SQL. `key` is the column that others may refer to: its name, type and values."""

    name: str
    create: str
    inserts: list[str]
    after: list[str]
    select: str
    key: tuple[str, str, list[str]] | None
    is_common: bool


def quote(engine: str, name: str) -> str:
    return "`" + name.replace("`", "``") + "`" if engine == "mysql" else '"' + name.replace('"', '""') + '"'


def folded(value: str) -> str:
    """A value as collations compare it."""
    letters = unicodedata.normalize("NFKD", value.casefold().strip(" '"))
    return "".join(one for one in letters if one.isprintable() and not unicodedata.combining(one))


@st.composite
def tables(draw: st.DrawFn, engine: str, number: int, earlier: list[Table], *, common: bool) -> Table:
    kinds = EVERYWHERE if common else TYPES[engine]
    columns = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=5))
    names = draw(st.permutations(NAMES))[: len(columns)]
    marked = [quote(engine, name) for name in names]
    indexed = [place for place, kind in enumerate(columns) if kind in INDEXED]
    key = draw(st.sampled_from([(), *((place,) for place in indexed), tuple(indexed), tuple(reversed(indexed))]))
    unique = draw(st.sampled_from([(), *((place,) for place in indexed)]))
    parents = [one for one in earlier if one.key and one.key[2]]
    parent = draw(st.sampled_from([None, *parents]))
    nulls = st.just("NULL")
    values = [kinds[kind] if place in key else nulls | kinds[kind] for place, kind in enumerate(columns)]
    rows = [tuple(map(draw, values)) for _ in range(draw(st.integers(0, 4)))]
    for chosen in filter(None, (key, unique)):
        # Also equal are those that a collation takes for equal.
        rows = list({tuple(folded(row[place]) for place in chosen): row for row in rows}.values())
    required = [" NOT NULL" if place in key else "" for place in range(len(columns))]
    parts = [f"{name} {kind}{word}" for name, kind, word in zip(marked, columns, required, strict=True)]
    shown = [SHOWN_OF_TYPE.get(kind, SHOWN[engine]) if engine == "mysql" else SHOWN[engine] for kind in columns]
    name = quote(engine, f"random {number}")
    if parent is not None:
        other, kind, referred_to = parent.key
        parts.append(f"ref {kind}")
        rows = [(*row, draw(st.sampled_from([*referred_to, "NULL"]))) for row in rows]
        shown.append(SHOWN[engine])
        late = draw(st.sampled_from(["", " DEFERRABLE INITIALLY DEFERRED"])) if engine != "mysql" else ""
        parts.append(f"FOREIGN KEY (ref) REFERENCES {parent.name} ({other}){late}")
    for word, chosen in (("PRIMARY KEY", key), ("UNIQUE", unique)):
        if chosen:
            parts.append(f"{word} ({', '.join(marked[place] for place in chosen)})")
    referred = (marked[key[0]], columns[key[0]], [row[key[0]] for row in rows]) if len(key) == 1 else None
    if referred is not None and draw(st.booleans()):
        parts.insert(len(columns), f"self_ref {columns[key[0]]} REFERENCES {name} ({referred[0]})")
    after = [draw(st.sampled_from(extras(engine, name, number, marked, columns, parts)))]
    inserted = [*marked, *(["ref"] if parent is not None else [])]
    inserts = [f"INSERT INTO {name} ({', '.join(inserted)}) VALUES ({', '.join(row)})" for row in rows]
    select = ", ".join(form.format(one) for form, one in zip(shown, inserted, strict=True))
    return Table(
        name,
        f"CREATE TABLE {name} ({', '.join(parts)}){draw(st.sampled_from(endings(engine, columns, parts)))}",
        inserts,
        [one for one in after if one],
        f"SELECT {select} FROM {name}",
        referred,
        common,
    )


def endings(engine: str, columns: list[str], parts: list[str]) -> list[str]:
    if engine != "sqlite":
        return [""]
    strict = set(columns) <= STRICT and not any(part.startswith(("ref", "self_ref")) for part in parts)
    keyed = any(part.startswith("PRIMARY KEY") for part in parts)
    return ["", *(["STRICT"] if strict else []), *(["WITHOUT ROWID"] if keyed else [])]


def extras(engine: str, table: str, number: int, marked: list[str], columns: list[str], parts: list[str]) -> list[str]:
    """Return objects that only a native backup brings back; some are added to the parts of the table."""
    text = next((one for one, kind in zip(marked, columns, strict=True) if kind == "varchar(20)"), None)
    whole = next((one for one, kind in zip(marked, columns, strict=True) if kind == "integer"), None)
    found = [""]
    if engine == "postgresql":
        found += [
            f"ALTER TABLE {table} ADD COLUMN numbered bigint GENERATED ALWAYS AS IDENTITY (START 5)",
            f"ALTER TABLE {table} ADD COLUMN made text GENERATED ALWAYS AS (slug('A')) STORED",
            f"COMMENT ON TABLE {table} IS 'it''s'",
            f"CREATE VIEW view_{number} AS SELECT * FROM {table}",
            f"CREATE MATERIALIZED VIEW seen_{number} AS SELECT count(*) FROM {table}",
            f"ALTER TABLE {table} ADD CONSTRAINT checked CHECK (slug('A') = 'a')",
            f"CREATE RULE nothing AS ON DELETE TO {table} DO ALSO SELECT 1",
        ]
        if text:
            found += [
                f"CREATE INDEX ON {table} (plain({text})) WHERE {text} <> 'it''s'",
                f"ALTER TABLE {table} ADD COLUMN made text GENERATED ALWAYS AS (slug({text})) STORED",
            ]
        if whole:
            found.append(
                f"ALTER TABLE {table} ADD CONSTRAINT apart_{number} EXCLUDE ({whole} WITH =) WHERE ({whole} > 1000)"
            )
    if engine == "sqlite":
        found.append(f"CREATE VIEW view_{number} AS SELECT * FROM {table}")
        if text:
            found += [
                f"CREATE INDEX index_{number} ON {table} (lower({text})) WHERE {text} <> ''",
                f"ALTER TABLE {table} ADD COLUMN made text AS (lower({text})) VIRTUAL",
            ]
    if engine == "mysql" and text:
        found.append(f"ALTER TABLE {table} ADD COLUMN made varchar(30) AS (concat({text}, '!')) PERSISTENT")
    return found


@st.composite
def schemas(draw: st.DrawFn, engine: str) -> list[Table]:
    # Of types that every kind of database has, so that the others can be tried, too: not in the one quick example.
    common = EXAMPLES > 1 and draw(st.booleans())
    made: list[Table] = []
    for number in range(TABLES):
        made.append(draw(tables(engine, number, made, common=common)))
    return made


def content(project: Zoo, found: list[Table]) -> list[list[str]]:
    """Every row of every table, in no order that a restore would have to keep."""
    lines = run_all(project, [one.select for one in found])
    return [sorted(line.removeprefix("= ").strip("[]()").split("), (")) for line in lines]


DESCRIBED = {
    "sqlite": "SELECT sql FROM sqlite_master ORDER BY type, name",
    "postgresql": """
            SELECT concat(conrelid::regclass, pg_get_constraintdef(oid), convalidated) AS word FROM pg_constraint
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT concat(attrelid::regclass, attname, atttypid::regtype, attidentity, attgenerated,
                attnotnull, pg_get_expr(adbin, adrelid)) FROM pg_attribute
                LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE NOT attisdropped AND attnum > 0
                AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
            UNION ALL SELECT concat(viewname, definition) FROM pg_views WHERE schemaname = 'public'
            UNION ALL SELECT concat(matviewname, definition, ispopulated) FROM pg_matviews
            UNION ALL SELECT definition FROM pg_rules WHERE schemaname = 'public'
            UNION ALL SELECT concat(sequencename, start_value, last_value) FROM pg_sequences
            UNION ALL SELECT concat(relname, obj_description(oid, 'pg_class')) FROM pg_class
                WHERE relnamespace = 'public'::regnamespace""",
}
"""How the database describes all that a native backup brings back."""


def description(project: Zoo, engine: str) -> set[str]:
    """Return the description of the random tables and their views."""
    (line,) = run_all(project, [DESCRIBED[engine]])
    words = {str(row[0]) for row in ast.literal_eval(line.removeprefix("= "))}
    return {word for word in words if any(name in word for name in ("random", "view_", "seen_"))}


def strict(engine: str) -> list[str]:
    return ["SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'"] if engine == "mysql" else []


def make(project: Zoo, engine: str, schema: list[Table]) -> None:
    run_all(
        project,
        [
            *strict(engine),
            *BEFORE[engine],
            *(one.create for one in schema),
            *(text for one in schema for text in one.inserts),
            *(text for one in schema for text in one.after),
        ],
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
        source = zoo(engine, migrated=True)
        make(source, engine, schema)
        before = content(source, schema)
        if (package := packed(source)) is not None:
            here = zoo(engine)
            if require_kept_package(package, here, schema):
                assert content(here, schema) == before
            common = all(one.is_common for one in schema)
            for other in ENGINES if common else ():
                require_kept_package(package, zoo(other), schema)
        if engine != "mysql":
            require_kept_backup(source, engine, schema, before)

    check()


def packed(source: Zoo) -> Path | None:
    """A package of everything. A value that has no form ends it, with its column; then nothing is promised."""
    package = source.home / "random.tar.gz"
    words = ("trigger_backup", "--type", "EXPORT", "--no-encryption", "--output", str(package), "--json")
    made = source.run(*words, expect=None)
    assert made.returncode == 0 or "set it right" in made.stdout, made
    return package if made.returncode == 0 else None


def require_kept_package(package: Path, target: Zoo, schema: list[Table]) -> bool:
    """The plan says what the restore does; whether it was done."""
    plan = target.run("restore_backup", "--package", str(package), "--dry-run", "--json", expect=None)
    words = ("restore_backup", "--package", str(package), "--yes", "--no-safety-backup", "--json")
    done = target.run(*words, expect=None)
    assert plan.returncode == done.returncode, (schema, plan.stdout, done.stdout, done.stderr)
    return done.returncode == 0


def require_kept_backup(source: Zoo, engine: str, schema: list[Table], before: list[list[str]]) -> None:
    described = description(source, engine)
    made = source.json("trigger_backup", "--type", "FULL", "--no-encryption")
    assert (made["status"], made["trust"]) == ("COMPLETED", "VERIFIED"), (schema, made)
    source.run(
        "shell", "-v0", "-c", "from django.contrib.auth.models import User; User.objects.create(username='later')"
    )
    run_all(
        source, [f"DROP TABLE {one.name}{' CASCADE' if engine == 'postgresql' else ''}" for one in reversed(schema)]
    )
    assert source.json("restore_backup", made["job"], "--dry-run")["blocking"] == []
    source.json("restore_backup", made["job"], "--yes", "--no-safety-backup")
    assert content(source, schema) == before
    assert description(source, engine) == described
