"""Select the databases of the project that are backed up."""

from __future__ import annotations

from typing import Final

from django.db import connections

from .engines.registry import DATABASE_ENGINES
from .errors import SourceRefused

_PORTABLE: Final = frozenset(DATABASE_ENGINES)
_DUMPED: Final = frozenset(name for name, engine in DATABASE_ENGINES.items() if engine.has_dump)
_PLACES: Final = (
    *("service", "host", "hostaddr", "port", "dbname"),
    *("read_default_file", "read_default_group", "unix_socket", "database", "db"),
)
"""Options of the drivers that name the server and the database."""


def database_aliases(*, portable: bool = False) -> list[str]:
    """Return the aliases of distinct databases, without test mirrors and second names of the same database.

    `portable` also allows kinds of databases that have no dump of their own and are stored as rows. Raises
    `SourceRefused`, with its name, for an engine that cannot be backed up.
    """
    supported = _PORTABLE if portable else _DUMPED
    seen: set[tuple[str, ...]] = set()
    aliases: list[str] = []
    for alias in connections:
        connection = connections[alias]
        settings = connection.settings_dict
        engine = str(settings["ENGINE"])
        if engine == "django.db.backends.dummy" or (settings.get("TEST") or {}).get("MIRROR"):
            continue
        if connection.vendor not in supported:
            also = "" if portable or connection.vendor not in _PORTABLE else " The type EXPORT can carry it."
            raise SourceRefused(
                f"The database {alias!r} has the engine {engine}, which cannot be backed up;"
                f" supported are {', '.join(sorted(supported))}.{also}"
            )
        options = settings.get("OPTIONS") or {}
        places = [settings.get(part) for part in ("NAME", "HOST", "PORT")] + [options.get(part) for part in _PLACES]
        key = (connection.vendor, *(str(place or "") for place in places))
        if key not in seen:
            seen.add(key)
            aliases.append(alias)
    return aliases


def all_have_dumps() -> bool:
    """Return whether each database of the project has a dump of its own; others are stored as rows."""
    return all(connections[alias].vendor in _DUMPED for alias in database_aliases(portable=True))
