"""Triggers of a restored database, and rules and functions of PostgreSQL: code that may run at writes.

It comes from the maker of the backup, and can give rights or tokens after accounts were compared and tokens removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from django.db import connections

from ...core.paths import first_of, one_line

_SHOWN: Final = 20
_QUERIES: Final[Mapping[str, str]] = {
    "sqlite": "SELECT 'trigger ' || name || ' on ' || tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass::text,
               pg_get_triggerdef(t.oid) || pg_get_functiondef(t.tgfoid)
        FROM pg_trigger t WHERE NOT t.tgisinternal
        UNION ALL
        SELECT 'rule ' || r.rulename || ' on ' || r.ev_class::regclass::text, pg_get_ruledef(r.oid)
        FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE r.rulename <> '_RETURN' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        UNION ALL
        SELECT 'function ' || p.oid::regprocedure::text, pg_get_functiondef(p.oid)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.prokind IN ('f', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass
                          AND d.deptype = 'e')
    """,
}
"""Names and definitions; a function may be called by a trigger, a constraint or a default.

Databases of MariaDB and MySQL are restored as rows: no code comes with them."""


def unknown_triggers(staged: str, live: str) -> Iterator[str]:
    """Say which code a restored database has and the live one has not, or not in the same form.

    `staged` and `live` are aliases. Raises Django's database errors.
    """
    known = _code_in(live)
    names = sorted(one_line(name) for name, text in _code_in(staged).items() if known.get(name) != text)
    if names:
        yield (
            f"code that may run at writes, and is not in the live database in this form ({len(names):,}):"
            f" {first_of(names, count=len(names), most=_SHOWN)}. It can give rights and tokens that are not named here:"
            " read it before users come back"
        )


def _code_in(alias: str) -> dict[str, str]:
    query = _QUERIES.get(connections[alias].vendor)
    if query is None:
        return {}
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return {str(name): str(text) for name, text in cursor.fetchall()}
