"""Names as SQL identifiers."""

from __future__ import annotations


def quoted(name: str) -> str:
    """As standard SQL has it, and with it PostgreSQL and SQLite."""
    return '"' + name.replace('"', '""') + '"'


def backticked(name: str) -> str:
    """As MariaDB and MySQL have it, in every SQL mode."""
    return "`" + name.replace("`", "``") + "`"
