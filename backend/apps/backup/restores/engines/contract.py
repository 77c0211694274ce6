"""The contract of restore engines: the steps of a restore for one kind of database, and for folders.

A restore puts everything beside the live things (stage), makes all of it live (swap), and later makes the old things
live again (roll back) or deletes them (release). Each step names things by a `Component` of the journal, can be
repeated after a kill, and goes on where it was. `mark` writes a step into the journal before it is taken.

Another kind of database is a new package here, with one subclass of `DatabaseEngine`, and a line in `registry`.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from django.db import connections

from ...core.manifest import DatabaseRecord
from ...errors import RestoreRefused
from ...sources.engines.rehearsal import Rehearsal
from ..backup_source import Origin, Progress
from ..changes import Baseline
from ..journal import Component, Journal, Kind
from .server_check import ServerCheck

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

    from .fill_base import Filling, Scratch

Mark = Callable[[str], None]


class SwapEngine(ABC):
    """The steps of a swap for one kind of component."""

    kind: Kind
    rolls_back_first: ClassVar[bool] = False
    """Roll these back before everything else: sessions of others may stand in the way, and nothing is changed yet."""

    @abstractmethod
    def forward(self, component: Component, mark: Mark) -> None:
        """Move live → kept and staged → live. Raises `RestoreFailed`, `OSError`."""

    @abstractmethod
    def backward(self, component: Component, mark: Mark) -> None:
        """Move live → staged and kept → live. Raises `RestoreFailed`, `OSError`."""

    @abstractmethod
    def discard(self, component: Component, place: str) -> None:
        """Delete what lies at `place`, the staged or the kept one, if it is there."""

    @abstractmethod
    def is_there(self, name: str, place: str) -> bool:
        """Return whether anything lies at `place`. `name` is a component's: an alias, or a file root."""

    @abstractmethod
    def look_command(self, component: Component) -> str:
        """Return the command by which a user looks at what is kept."""

    def settle(self, component: Component) -> None:
        """Finish what can be done only when everything is live."""

    def cancel_backward(self, component: Component) -> None:
        """Undo what a failed `backward` has prepared. Nothing was moved."""

    def require_backward(self, component: Component) -> None:
        """Raise `RestoreRefused` where `backward` would fail. Changes nothing."""

    def admit_connections(self, component: Component) -> None:
        """Let connections into what is kept, until it is rolled back or released."""

    def connections_admitted(self, component: Component) -> contextlib.AbstractContextManager[None]:
        """Let connections into what is kept while the block runs."""
        return contextlib.nullcontext()


class DatabaseEngine(SwapEngine):
    """The steps of a restore for one kind of database. `place` is a name on the alias's server, or a path."""

    vendor: ClassVar[str]
    """The vendor of Django's connection, and the engine's name in a manifest."""
    extra_tables_stay: ClassVar[bool] = False
    """Live tables that the backup does not hold stay where they are."""
    dumps_objects: ClassVar[bool] = False
    """A dump is restored object by object, so that objects can be left out."""

    @abstractmethod
    def component(self, alias: str, journal: Journal) -> Component:
        """Name the database that is put beside the live one. Makes nothing."""

    @abstractmethod
    def create(self, alias: str, place: str, *, like: str) -> None:
        """Make an empty database, with the encoding, owner and rights of the live one, `like`."""

    def create_for_dump(self, record: DatabaseRecord, place: str) -> None:
        """Make the database that `load_dump` fills."""

    def load_dump(
        self,
        record: DatabaseRecord,
        place: str,
        origin: Origin,
        *,
        like: str,
        leave_out: frozenset[str],
        progress: Progress,
    ) -> list[str]:
        """Fill it from a dump and compare it with the manifest; notes for the user. Raises `RestoreFailed`."""
        raise _no_dump(record)

    @abstractmethod
    def fill(self, scratch: Scratch) -> contextlib.AbstractContextManager[Filling]:
        """Open an empty database to be filled with rows."""

    @abstractmethod
    def drop(self, alias: str, place: str) -> None:
        """Delete a database, if it is there."""

    def discard(self, component: Component, place: str) -> None:
        self.drop(component.name, place)

    @abstractmethod
    def keep_tables(self, alias: str, place: str, keep: frozenset[str]) -> list[str]:
        """Drop all tables but these from a new database; notes for the user. Raises `RestoreFailed`."""

    @abstractmethod
    def carry_ledger(self, component: Component, target: str) -> str:
        """Copy the ledger's rows from the live database to `target`; "" when done, else why not.

        Raises `StorageFull`.
        """

    @abstractmethod
    def connect(self, component: Component, place: str) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        """Open one of the component's databases by a connection of its own."""

    @abstractmethod
    def count_rows(self, component: Component, place: str, before: Mapping[str, int]) -> Mapping[str, int]:
        """Count the rows of each table. `before` are the numbers in the backup of the live state."""

    def count_written(self, component: Component, place: str, baseline: Baseline) -> Mapping[str, int] | None:
        """Count the rows of each table that were written since that backup; None where the database cannot tell."""
        return None

    def left_behind(self, component: Component) -> list[str]:
        """Name what the swap does not take along, and must be made by hand."""
        return []

    def hold_writes(self, alias: str) -> contextlib.AbstractContextManager[None]:
        """Let other sessions wait with their writes while the block runs. Raises Django's `DatabaseError`."""
        return contextlib.nullcontext()

    def wait_briefly(self, cursor: CursorWrapper) -> None:
        """Have this session wait for locks of others for some seconds only."""

    def stored_code(self, cursor: CursorWrapper) -> Mapping[str, str]:
        """Return code in the database that may run at writes: its names and definitions."""
        return {}

    def normalized_names(self, tables: Iterable[str]) -> frozenset[str]:
        """Return names of tables in the form in which this kind of database compares them."""
        return frozenset(tables)

    def matching_tables(self, name: str, known: Iterable[str]) -> Sequence[str]:
        """Return the known tables that a user may mean by a name that is none of theirs, such as one without schema."""
        return []

    def tables(self, alias: str, cursor: CursorWrapper) -> Sequence[str]:
        """Return the names of the live tables."""
        return connections[alias].introspection.table_names(cursor)

    def references(self, alias: str, cursor: CursorWrapper) -> Sequence[tuple[str, str]]:
        """Return the pairs of live tables of which one refers to the other; needed where `extra_tables_stay`."""
        return []


class FileEngine(DatabaseEngine):
    """The steps of a restore for databases that are files, each known by its path."""

    label: ClassVar[str]
    """The name of the kind of database, for users."""

    @abstractmethod
    def live_file(self, alias: str) -> Path:
        """Return the file of the live database, which may be missing. Raises `SourceRefused` if it has none."""


class ServerEngine(DatabaseEngine):
    """The steps of a restore for databases on a server, each known by its name there."""

    @abstractmethod
    def free_name(self, base: str, ending: str) -> str:
        """Return a database name of two parts, within the server's length."""

    @abstractmethod
    def check(self, alias: str) -> ServerCheck:
        """Check whether the server can take a database of rows in. Raises `RestoreFailed` if it is not reached."""

    def check_dump(self, record: DatabaseRecord) -> ServerCheck:
        """Check whether the server can take this dump in. Raises `RestoreFailed`, `ClientMissing`."""
        raise _no_dump(record)

    def rehearse_dump(self, record: DatabaseRecord, origin: Origin, leave_out: frozenset[str]) -> Rehearsal:
        """Rehearse the restore of a dump in a database that is dropped again.

        Raises `RestoreFailed`, `ClientMissing`, and Django's `DatabaseError`.
        """
        raise _no_dump(record)

    @abstractmethod
    def data_folder(self, alias: str) -> Path | None:
        """Return the folder with the server's data; None if it is on another machine, or is not told."""

    def component(self, alias: str, journal: Journal) -> Component:
        name, mark = str(connections[alias].settings_dict["NAME"]), journal.restore.hex[:8]
        return Component(
            kind=self.kind,
            name=alias,
            live=name,
            staged=self.free_name(name, f"_new_{mark}"),
            kept=self.free_name(name, f"_old_{mark}"),
            had_live=self.is_there(alias, name),
        )


def _no_dump(record: DatabaseRecord) -> RestoreRefused:
    return RestoreRefused(f"A database of {record.engine} has no dump that could be restored.")
