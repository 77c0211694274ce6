"""Close database connections that a restore has made stale, before a request uses them.

A server process with `CONN_MAX_AGE` keeps its connections between requests. The swap of a restore ends the sessions of
a PostgreSQL database, and moves a SQLite file away: the next request on such a connection fails, or reads and writes
the database that was replaced. A health check of the server (`CONN_HEALTH_CHECKS`) takes a round trip for each request;
a look at the socket and at the file takes none.
"""

from __future__ import annotations

import select
import weakref

from django.core.signals import request_started
from django.db import Error as DatabaseFailure
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .database_traits import database_file

_Identity = tuple[int, int]
_files: weakref.WeakKeyDictionary[BaseDatabaseWrapper, _Identity] = weakref.WeakKeyDictionary()
"""Device and inode of the database file that each connection has opened."""


def watch_connections() -> None:
    """Close stale connections at the start of each request from now on."""
    connection_created.connect(_remember_file, dispatch_uid="backup.remember_file")
    request_started.connect(close_stale_connections, dispatch_uid="backup.close_stale_connections")


def close_stale_connections(**_signal: object) -> None:
    """Close each connection of this thread whose session has ended or whose file was replaced; Django reconnects."""
    for wrapper in connections.all(initialized_only=True):
        if wrapper.connection is not None and not wrapper.in_atomic_block and _is_stale(wrapper):
            wrapper.close()


def _remember_file(*, connection: BaseDatabaseWrapper, **_signal: object) -> None:
    if identity := _file_of(connection):
        _files[connection] = identity


def _file_of(wrapper: BaseDatabaseWrapper) -> _Identity | None:
    path = database_file(wrapper)
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        # The file was removed.
        return None
    return status.st_dev, status.st_ino


def _is_stale(wrapper: BaseDatabaseWrapper) -> bool:
    opened = _files.get(wrapper)
    if opened is not None:
        return _file_of(wrapper) != opened
    return _has_waiting_bytes(wrapper) and not wrapper.is_usable()


def _has_waiting_bytes(wrapper: BaseDatabaseWrapper) -> bool:
    """Return whether bytes wait on an idle connection: as a rule the server's message that it ended the session."""
    number = getattr(wrapper.connection, "fileno", None)
    if number is None:
        # A database without a server, or PyMySQL, which hides its socket. No swap ends a session with MariaDB or MySQL.
        return False
    try:
        with wrapper.wrap_database_errors:
            poll = select.poll()
            poll.register(number(), select.POLLIN)
            return bool(poll.poll(0))
    except (DatabaseFailure, ValueError):
        # The driver knows already that the connection is closed.
        return True
