"""SQLite files that only their owner can read, whatever the mode of their folder."""

from __future__ import annotations

import contextlib
import os
import sqlite3


class PrivateConnection(sqlite3.Connection):
    """A connection that creates a missing database file with mode 0600, since it holds tokens, sessions and documents.

    SQLite gives its side files the mode of the database file. An existing file keeps its mode.
    """

    def __init__(self, database: str, *arguments: object, **options: object) -> None:
        if not str(database).startswith((":", "file:")):
            # If the file cannot be created, SQLite cannot open it either and raises its own error.
            with contextlib.suppress(OSError):
                os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        super().__init__(database, *arguments, **options)  # type: ignore[arg-type]
