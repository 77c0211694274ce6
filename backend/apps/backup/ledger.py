"""Access to the database that holds the catalogue, with errors that say what happened and what to do."""

import contextlib
import time
from collections.abc import Callable, Iterator

from django.apps import apps
from django.db import Error as DatabaseFailure
from django.db import IntegrityError, connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

from strongroom.errors import StrongroomError

from .core.database_traits import database_file, is_in_file
from .core.server_errors import advice_for, server_message
from .errors import BackupError, LedgerMissing, LedgerUnavailable
from .models import BackupJob

LEDGER_PATIENCE = 20.0
"""Seconds that finished work, or a backup about to be published, waits for an unavailable catalogue."""
_PAUSE = 0.5
"""Seconds between two attempts to reach an unavailable catalogue."""
_SWAP_SECONDS = 1.0
"""Most seconds for which a swap leaves the place of a database file empty."""


def ledger_alias() -> str:
    """Return the alias of the database that holds the catalogue."""
    return router.db_for_write(BackupJob)


@contextlib.contextmanager
def ledger_access(doing: str) -> Iterator[None]:
    """Translate errors of the database driver inside the block into `LedgerUnavailable`.

    `doing` says in the message what failed. `IntegrityError` passes through: a violated constraint is an answer, not a
    failure.
    """
    connection = connections[ledger_alias()]
    _require_file(connection, doing)
    try:
        yield
    except IntegrityError:
        raise
    except DatabaseFailure as error:
        general_advice = (
            f"Check that the database {ledger_alias()!r} runs, that its disk has room, and that `manage.py migrate` has"
            " been run."
        )
        raise LedgerUnavailable(
            f"The catalogue could not be used while {doing}: {server_message(error)}."
            f" {advice_for(error, otherwise=general_advice)}"
        ) from error


def _require_file(connection: BaseDatabaseWrapper, doing: str) -> None:
    """Raise `LedgerMissing` if the catalogue is a file that does not exist.

    SQLite would create a missing file again, and would go on writing into a deleted one. Waits a second for a file that
    is missing: a restore that cannot exchange two names moves the old file away before the new one is there.
    """
    path = database_file(connection)
    if path is None:
        return
    deadline = time.monotonic() + _SWAP_SECONDS
    while not path.exists():
        if time.monotonic() >= deadline:
            raise LedgerMissing(
                f"The catalogue could not be used while {doing}: the database file {str(path)!r} does not exist."
                " Restore it, or run `manage.py migrate` to create an empty one."
            )
        time.sleep(_SWAP_SECONDS / 20)


def renew_connection() -> None:
    """Close this thread's connection so that the next query opens a new one.

    After hours without a query the server, or a device between, may have ended the old one. Inside a transaction
    nothing happens: the caller owns the connection.
    """
    connection = connections[ledger_alias()]
    if not connection.in_atomic_block:
        connection.close()


def close_connections() -> None:
    """Close this thread's connections to all databases, for threads that live on without further queries.

    A connection inside a transaction stays open: the caller owns it.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def close_ledger_file() -> None:
    """Close the connection to a catalogue in a file, so that the next query opens the present file.

    For processes that keep connections for long: a restore may replace the file. A server itself ends the connections
    to a replaced database.
    """
    connection = connections[ledger_alias()]
    if is_in_file(connection) and not connection.in_atomic_block:
        connection.close()


def retry_while_unavailable(write: Callable[[], None], *, seconds: float) -> None:
    """Call `write`, and call it again for up to `seconds` while the catalogue is unavailable: its server may restart.

    `write` must be a conditional step: if only the answer was lost, the catalogue refuses the second attempt.
    """
    deadline = time.monotonic() + seconds
    while True:
        renew_connection()
        try:
            write()
        except LedgerUnavailable as error:
            if not error.retryable or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def write_end(write: Callable[[], None], outcome: str, *, of: str, after: BaseException | None = None) -> None:
    """Write the end of a job or an operation to its row, with retries.

    `of` names the kind of row and `outcome` is the result in words; both are for the error message.
    Raises `LedgerUnavailable` after `LEDGER_PATIENCE` seconds. Work that ended by such an error (`after`) does not wait
    again.
    """
    try:
        retry_while_unavailable(write, seconds=0.0 if isinstance(after, LedgerUnavailable) else LEDGER_PATIENCE)
    except LedgerUnavailable as error:
        raise LedgerUnavailable(
            f"{outcome} But the end of this {of} could not be written down, and its row still says RUNNING until it is"
            f" found dead: {error}"
        ) from error


def reason_of(error: BaseException) -> str:
    """Return the reason of a failure in one line, for its row. Errors of our own need no class name."""
    return str(error) if isinstance(error, BackupError | StrongroomError) else f"{type(error).__name__}: {error}"


def ledger_models() -> list[type[models.Model]]:
    """Return every model of the backup system that has a table."""
    config = apps.get_app_config(BackupJob._meta.app_label)
    return [model for model in config.get_models(include_auto_created=True) if not model._meta.proxy]


def ledger_tables() -> list[str]:
    """Return the names of the catalogue's tables."""
    return [model._meta.db_table for model in ledger_models()]
