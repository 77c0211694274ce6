"""Find code in a restored database that may run at writes: triggers, and rules and functions of PostgreSQL.

The maker of the backup wrote this code, which can give rights or tokens after accounts were compared and tokens
removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from django.db import connections

from ...core.paths import first_of, one_line
from ..engines.registry import engine_of

_SHOWN: Final = 20


def unknown_triggers(staged: str, live: str) -> Iterator[str]:
    """Yield lines on code that the live database does not have in the same form.

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


def _code_in(alias: str) -> Mapping[str, str]:
    with connections[alias].cursor() as cursor:
        return engine_of(alias).stored_code(cursor)
