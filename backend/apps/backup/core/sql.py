"""Quoting of names as SQL identifiers."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return the name quoted as in standard SQL, PostgreSQL and SQLite."""
    return '"' + name.replace('"', '""') + '"'


def backticked(name: str) -> str:
    """Return the name quoted for MariaDB and MySQL, in every SQL mode."""
    return "`" + name.replace("`", "``") + "`"
