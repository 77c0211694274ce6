"""Texts and settings as SQL, where a statement takes no parameters."""

from __future__ import annotations

from typing import Final

from .....core.sql import quoted

# Their recorded values are lists of quoted names, which must not be quoted once more as a whole.
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
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def assignment(setting: str) -> str:
    """A recorded setting as SQL after SET."""
    name, _, value = setting.partition("=")
    if name in _LISTS:
        parts = [part.strip().strip('"').replace('""', '"') for part in value.split(",")]
        return f"{quoted(name)} TO {', '.join(literal(part) for part in parts)}"
    return f"{quoted(name)} TO {literal(value)}"
