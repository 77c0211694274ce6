"""Differences between kinds of databases that Django's `connection.features` does not name."""

from __future__ import annotations

from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper


def is_in_file(wrapper: BaseDatabaseWrapper) -> bool:
    """Return whether this process itself keeps the database, in a file or in memory, without a server.

    Of Django's connections only those of such databases can be asked whether they are in memory.
    """
    return hasattr(wrapper, "is_in_memory_db")


def database_file(wrapper: BaseDatabaseWrapper) -> Path | None:
    """Return the path of the database's file; None for a server's database, for one in memory, and for a URI."""
    name = str(wrapper.settings_dict["NAME"])
    if not is_in_file(wrapper) or name.startswith((":memory:", "file:")):
        return None
    return Path(name)


def orders_uuids_as_text(wrapper: BaseDatabaseWrapper) -> bool:
    """Return whether the order of uuids in the database is that of their texts.

    MariaDB compares the parts of a uuid in another order. Django has no feature for this, so the vendor decides.
    """
    return wrapper.vendor != "mysql"
