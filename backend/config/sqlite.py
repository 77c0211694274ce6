"""SQLite files that only their owner reads, whatever the folder around them allows."""

from __future__ import annotations

import contextlib
import os
import sqlite3


class PrivateConnection(sqlite3.Connection):
    """A connection that makes a missing database file with mode 0600: it holds tokens, sessions and documents.

    SQLite gives its side files the mode of the database file. A file that is there keeps its mode.
    """

    def __init__(self, database: str, *arguments: object, **options: object) -> None:
        if not str(database).startswith((":", "file:")):
            # What keeps the file from being made keeps SQLite from opening it, which says so itself.
            with contextlib.suppress(OSError):
                os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        super().__init__(database, *arguments, **options)  # type: ignore[arg-type]
