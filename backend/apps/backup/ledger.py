"""Access to the database that holds the ledger, with errors that say what happened and what to do."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.apps import apps
from django.db import Error as DatabaseFailure
from django.db import IntegrityError, connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

from strongroom.errors import StrongroomError

from .core.server_errors import what_helps, what_was_said
from .errors import BackupError, LedgerMissing, LedgerUnavailable
from .models import BackupJob

LEDGER_PATIENCE = 20.0
"""Seconds that finished work, or a backup about to be published, waits for a ledger that is away."""
_PAUSE = 0.5
"""Seconds between two attempts to reach a ledger that is away."""


def ledger_alias() -> str:
    """The alias of the database that holds the ledger."""
    return router.db_for_write(BackupJob)


@contextlib.contextmanager
def ledger_access(doing: str) -> Iterator[None]:
    """Translate what the database driver raises inside the block into `LedgerUnavailable`.

    Violated constraints pass through: they are answers, not failures.
    """
    connection = connections[ledger_alias()]
    _require_file(connection, doing)
    try:
        yield
    except IntegrityError:
        raise
    except DatabaseFailure as error:
        help_in_general = (
            f"Check that the database {ledger_alias()!r} runs, that its disk has room, and that `manage.py migrate` has"
            " been run."
        )
        raise LedgerUnavailable(
            f"The ledger could not be used while {doing}: {what_was_said(error)}."
            f" {what_helps(error, otherwise=help_in_general)}"
        ) from error


def _require_file(connection: BaseDatabaseWrapper, doing: str) -> None:
    """SQLite would make a missing file anew, and would go on writing into one that has been deleted."""
    if connection.vendor != "sqlite":
        return
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or name.startswith("file:") or Path(name).exists():
        return
    raise LedgerMissing(
        f"The ledger could not be used while {doing}: the database file {name!r} does not exist. Restore it, or run"
        " `manage.py migrate` to begin anew."
    )


def renew_connection() -> None:
    """Close this thread's connection so that the next query opens a new one.

    After hours of reading elsewhere the old one may have been cut by the server or by something between. Inside a
    transaction nothing is done: the caller owns it.
    """
    connection = connections[ledger_alias()]
    if not connection.in_atomic_block:
        connection.close()


def close_connections() -> None:
    """Close this thread's connections to all databases: for threads that live on, and have nothing more to ask.

    Inside a transaction nothing is done: the caller owns it.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def follow_ledger() -> None:
    """Close a connection to SQLite, so that the next query opens the file that is there: a restore may replace it.

    For processes that keep connections for long. A server itself ends the connections to a replaced database.
    """
    connection = connections[ledger_alias()]
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        connection.close()


def patiently(write: Callable[[], None], *, seconds: float) -> None:
    """Do it, and again for so long as the ledger is away: its database may be restarted at that very moment.

    `write` must be a conditional step: where only the answer was lost, the second attempt is refused.
    """
    patience = time.monotonic() + seconds
    while True:
        renew_connection()
        try:
            write()
        except LedgerUnavailable as error:
            if not error.retryable or time.monotonic() > patience:
                raise
            time.sleep(_PAUSE)
        else:
            return


def write_end(write: Callable[[], None], said: str, *, of: str, after: BaseException | None = None) -> None:
    """Write down how the work of a row has ended, patiently; `of` names its kind, `said` its end.

    Raises `LedgerUnavailable` when the time is over. Work that ended by such an error (`after`) does not wait again.
    """
    try:
        patiently(write, seconds=0.0 if isinstance(after, LedgerUnavailable) else LEDGER_PATIENCE)
    except LedgerUnavailable as error:
        raise LedgerUnavailable(
            f"{said} But the end of this {of} could not be written down, and its row still says RUNNING until it is"
            f" found dead: {error}"
        ) from error


def reason_of(error: BaseException) -> str:
    """Why something failed, in one line for its row: our own errors say it themselves."""
    return str(error) if isinstance(error, BackupError | StrongroomError) else f"{type(error).__name__}: {error}"


def ledger_models() -> list[type[models.Model]]:
    """Every model of the backup system that has a table."""
    config = apps.get_app_config(BackupJob._meta.app_label)
    return [model for model in config.get_models(include_auto_created=True) if not model._meta.proxy]
