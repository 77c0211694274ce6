"""Write texts and settings as SQL, for statements that take no parameters."""

from __future__ import annotations

from typing import Final

from .....core.sql import quoted

# The recorded values of these settings are lists of quoted names, which must not be quoted again as a whole.
_LISTS: Final = frozenset(
    {
        "search_path",
        "local_preload_libraries",
        "session_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def assignment(setting: str) -> str:
    """Return a recorded setting as the SQL after SET."""
    name, _, value = setting.partition("=")
    if name in _LISTS:
        parts = [part.strip().strip('"').replace('""', '"') for part in value.split(",")]
        return f"{quoted(name)} TO {', '.join(literal(part) for part in parts)}"
    return f"{quoted(name)} TO {literal(value)}"
