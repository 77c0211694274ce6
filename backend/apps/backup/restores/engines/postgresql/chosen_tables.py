"""Reduce a new PostgreSQL database to some of its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from ....errors import RestoreFailed
from ....sources.engines.postgresql.dump import fresh_connection
from ..chosen_tables import require_tables

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_OURS: Final = """
    n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%%' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                    AND d.deptype = 'e')
"""
_RELATIONS: Final = f"""
    SELECT c.oid::int8, n.nspname || '.' || c.relname, CASE WHEN n.nspname = current_schema() THEN c.relname::text END,
        quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = ANY(%s::"char"[]) AND {_OURS} ORDER BY 2
"""  # noqa: S608  a constant
_PARENTS: Final = """
    SELECT c.oid::regclass::text, i.inhparent::regclass::text, c.relispartition
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhrelid::int8 = ANY(%s) AND NOT i.inhparent::int8 = ANY(%s)
"""
_REFERENCES: Final = """
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND conrelid::int8 = ANY(%s) AND NOT confrelid::int8 = ANY(%s) ORDER BY 1, 2
"""
_COLUMNS: Final = """
    SELECT count(*) FROM pg_attribute WHERE attrelid::int8 = ANY(%s) AND attnum > 0 AND NOT attisdropped
"""


def keep_tables(alias: str, place: str, keep: frozenset[str]) -> list[str]:
    """Drop all other tables, and return notes for the user. Raises `RestoreFailed`."""
    try:
        with fresh_connection(alias, place) as wrapper, wrapper.cursor() as cursor:
            cursor.execute("BEGIN")
            notes = _drop_in_postgresql(cursor, place, keep)
            cursor.execute("COMMIT")
    except DatabaseFailure as error:
        raise RestoreFailed(
            f"The other tables cannot be dropped from {place!r}: {str(error).strip()}. Nothing live was changed."
        ) from error
    return notes


def _drop_in_postgresql(cursor: CursorWrapper, place: str, keep: frozenset[str]) -> list[str]:
    relations = _relations(cursor, "rp")
    staying = [oid for oid, (names, _) in relations.items() if names & keep]
    cursor.execute(_COLUMNS, [staying])
    columns = cursor.fetchone()
    # A partition that stays becomes a table of its own.
    cursor.execute(_PARENTS, [staying, staying])
    for child, parent, partition in cursor.fetchall():
        cursor.execute(
            f"ALTER TABLE {parent} DETACH PARTITION {child}"
            if partition
            else f"ALTER TABLE {child} NO INHERIT {parent}"
        )
    cursor.execute(_REFERENCES, [staying, staying])
    notes = [f"the reference of {table} to {to} is gone with that table" for table, to in cursor.fetchall()]
    for kind, word in (("v", "VIEW"), ("m", "MATERIALIZED VIEW"), ("f", "FOREIGN TABLE")):
        for _, identifier in _relations(cursor, kind).values():
            cursor.execute(f"DROP {word} IF EXISTS {identifier} CASCADE")
    gone = [identifier for oid, (_, identifier) in relations.items() if oid not in staying]
    if gone:
        cursor.execute(f"DROP TABLE {', '.join(gone)} CASCADE")
    existing = [name for names, _ in _relations(cursor, "rp").values() for name in names]
    require_tables(place, keep, existing)
    cursor.execute(_COLUMNS, [staying])
    if cursor.fetchone() != columns:
        raise RestoreFailed(
            f"Columns of the chosen tables are of the types of others and would go with them from {place!r}; restore"
            " the whole database. Nothing live was changed."
        )
    cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
    (large,) = cursor.fetchone() or (0,)
    return [*notes, f"all {large} large objects are there: which table they belong to is not known"] if large else notes


def _relations(cursor: CursorWrapper, kinds: str) -> dict[int, tuple[set[str], str]]:
    """Return the relations by their number: their names, with schema and (in the usual one) without, and their SQL."""
    cursor.execute(_RELATIONS, [list(kinds)])
    return {
        int(oid): ({full, plain} if plain is not None else {full}, identifier)
        for oid, full, plain, identifier in cursor.fetchall()
    }
