"""Compute generated columns again whose functions read other tables: during the loading these were still empty."""

from __future__ import annotations

from typing import Final

from .....core.sql import quoted
from .session import Session

# The server computes a value again when a column is set from which it is computed. Functions of an extension and of
# the server do not read the application's tables.
_CALLING: Final = """
    WITH made AS (
        SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name, d.adbin AS expression,
               p.refclassid AS kind, p.refobjid AS used, p.refobjsubid AS used_number
        FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
        JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
                         OR p.classid = 'pg_class'::regclass AND p.objid = c.oid AND p.objsubid = a.attnum
        WHERE a.attgenerated = 's'
    )
    SELECT relation::regclass::text, name, pg_get_expr(expression, relation), min(u.attname)
    FROM made JOIN pg_attribute u ON kind = 'pg_class'::regclass AND used = relation
         AND u.attrelid = relation AND u.attnum = used_number AND u.attgenerated = ''
    WHERE EXISTS (
        SELECT 1 FROM made calls WHERE (calls.relation, calls.number) = (made.relation, made.number)
          AND calls.kind = 'pg_proc'::regclass
          AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                          AND e.objid = calls.used AND e.deptype = 'e'))
    GROUP BY relation, number, name, expression ORDER BY relation, number
"""
"""The search path is empty, so names have their schemas."""


def compute_again(session: Session) -> list[str]:
    """Compute the values that differ now that all rows are loaded; return notes on those that cannot be computed."""
    notes = []
    for table, column, expression, made_from in session.rows(_CALLING):
        name, source = quoted(str(column)), quoted(str(made_from))
        with session.own_path():
            refusal = session.attempt(
                f"UPDATE ONLY {table} SET {source} = {source}"  # noqa: S608  quoted by the server
                f" WHERE {name}::text IS DISTINCT FROM ({expression})::text"
            )
        if refusal is not None:
            notes.append(f"the generated column {table}.{column} could not be computed again: {refusal.text}")
    return notes
