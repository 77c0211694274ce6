"""The contract of restore engines: the steps of a restore for one kind of database, and for folders.

A restore puts each database and folder beside the live one (stage), makes all of them live (swap), and later makes the
old ones live again (roll back) or deletes them (release). Each step names its object by a `Component` of the journal,
can be repeated after a kill, and continues where it was. `mark` writes a step into the journal before it is taken.

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
    """Roll these back before all others: sessions may prevent it, and then nothing else has changed yet."""

    @abstractmethod
    def forward(self, component: Component, mark: Mark) -> None:
        """Move live → kept and staged → live. Raises `RestoreFailed`, `OSError`."""

    @abstractmethod
    def backward(self, component: Component, mark: Mark) -> None:
        """Move live → staged and kept → live. Raises `RestoreFailed`, `OSError`."""

    @abstractmethod
    def discard(self, component: Component, place: str) -> None:
        """Delete the database or folder at `place`, the staged or the kept one, if it exists."""

    @abstractmethod
    def is_there(self, name: str, place: str) -> bool:
        """Return whether a database or file exists at `place`. `name` is that of the component: an alias or a root."""

    @abstractmethod
    def look_command(self, component: Component) -> str:
        """Return the command by which a user can examine the kept state."""

    def settle(self, component: Component) -> None:
        """Do the work that is possible only after all components are live."""

    def cancel_backward(self, component: Component) -> None:
        """Undo the preparation of a failed `backward`, which has moved nothing."""

    def require_backward(self, component: Component) -> None:
        """Raise `RestoreRefused` if `backward` would fail. Changes nothing."""

    def admit_connections(self, component: Component) -> None:
        """Admit connections to the kept database until it is rolled back or released."""

    def connections_admitted(self, component: Component) -> contextlib.AbstractContextManager[None]:
        """Admit connections to the kept database while the block runs."""
        return contextlib.nullcontext()


class DatabaseEngine(SwapEngine):
    """The steps of a restore for one kind of database. `place` is a name on the alias's server, or a path."""

    vendor: ClassVar[str]
    """The vendor of Django's connection, and the engine's name in a manifest."""
    extra_tables_stay: ClassVar[bool] = False
    """Live tables that the backup does not have stay in the live database."""
    dumps_objects: ClassVar[bool] = False
    """A dump is restored object by object, so that objects can be left out."""

    @abstractmethod
    def component(self, alias: str, journal: Journal) -> Component:
        """Return the component for the database to be put beside the live one. Creates nothing."""

    @abstractmethod
    def live_place(self, alias: str) -> str:
        """Return the place of the live database, which may be missing. Raises `SourceRefused` if it has none."""

    def live_component(self, alias: str) -> Component:
        """Return the live database as a component that is only read: it has nothing staged and nothing kept."""
        place = self.live_place(alias)
        return Component(kind=self.kind, name=alias, live=place, staged="", kept="", had_live=True)

    @abstractmethod
    def create(self, alias: str, place: str, *, like: str) -> None:
        """Create an empty database, with the encoding, owner and rights of the live one, `like`."""

    def create_for_dump(self, record: DatabaseRecord, place: str) -> None:
        """Create the database that `load_dump` fills."""

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
        """Fill it from a dump, compare it with the manifest, and return notes for the user. Raises `RestoreFailed`."""
        raise _no_dump(record)

    @abstractmethod
    def fill(self, scratch: Scratch) -> contextlib.AbstractContextManager[Filling]:
        """Open an empty database to be filled with rows."""

    @abstractmethod
    def drop(self, alias: str, place: str) -> None:
        """Delete a database if it exists."""

    def discard(self, component: Component, place: str) -> None:
        self.drop(component.name, place)

    @abstractmethod
    def keep_tables(self, alias: str, place: str, keep: frozenset[str]) -> list[str]:
        """Drop all other tables from a new database, and return notes for the user. Raises `RestoreFailed`."""

    @abstractmethod
    def carry_ledger(self, component: Component, target: str) -> str:
        """Copy the catalogue's rows from the live database to `target`; return "" on success, else the reason.

        Raises `StorageFull`.
        """

    @abstractmethod
    def connect(self, component: Component, place: str) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        """Open one of the component's databases by a separate connection."""

    @abstractmethod
    def count_rows(self, component: Component, place: str, before: Mapping[str, int]) -> Mapping[str, int]:
        """Count the rows of each table. `before` are those of a backup. Waits briefly for locks of live tables."""

    def count_written(self, component: Component, place: str, baseline: Baseline) -> Mapping[str, int] | None:
        """Count the rows of each table that were written since that backup; return None if the database cannot tell."""
        return None

    def left_behind(self, component: Component) -> list[str]:
        """Return the objects that the swap does not move and that must be created by hand."""
        return []

    def hold_writes(self, alias: str) -> contextlib.AbstractContextManager[None]:
        """Make other sessions wait with their writes while the block runs. Raises Django's `DatabaseError`."""
        return contextlib.nullcontext()

    def wait_briefly(self, cursor: CursorWrapper) -> None:
        """Limit the time that this session waits for locks to some seconds."""

    def stored_code(self, cursor: CursorWrapper) -> Mapping[str, str]:
        """Return the code in the database that may run at writes, as definitions by name."""
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

    def live_place(self, alias: str) -> str:
        return str(self.live_file(alias))


class ServerEngine(DatabaseEngine):
    """The steps of a restore for databases on a server, each known by its name there."""

    def live_place(self, alias: str) -> str:
        return str(connections[alias].settings_dict["NAME"])

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
        name, mark = self.live_place(alias), journal.restore.hex[:8]
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
