"""Databases that are a file on this machine, and the path of that file."""

from __future__ import annotations

from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper


def is_in_file(wrapper: BaseDatabaseWrapper) -> bool:
    """Return whether the database is kept in a file, or in memory, by this process itself and not by a server.

    Of Django's connections only those of such databases can be asked whether they are in memory.
    """
    return hasattr(wrapper, "is_in_memory_db")


def database_file(wrapper: BaseDatabaseWrapper) -> Path | None:
    """Return the path of the database's file; None for a server's database, for one in memory, and for a URI."""
    name = str(wrapper.settings_dict["NAME"])
    if not is_in_file(wrapper) or name.startswith((":memory:", "file:")):
        return None
    return Path(name)
