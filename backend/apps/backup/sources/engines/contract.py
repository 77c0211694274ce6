"""The contract of capture engines: how a backup reads one kind of database.

A backup opens each database at the consistency point, as a dump or as rows, and reads it while the block runs. Another
kind of database is a new package here, with one subclass of `CaptureEngine`, and a line in `registry`.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from strongroom.streams import Reader

from ...core.manifest import DatabaseRecord
from ..errors import SourceRefused
from ..file_references import NamedFiles, ReferenceField
from ..streams import DumpPlace
from .opened_rows import OpenedRows
from .rehearsal import Rehearsal

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

Finished = Callable[[int, str], None]
"""Called with size and SHA-256 when a dump has been read to its end."""


@dataclass(frozen=True)
class DatabaseCapture:
    """One database at the consistency point: its record, and its dump as a stream that can be opened once.

    Size and hash in `record` are unknown (-1, "") until the stream has been read; `finished` receives them.
    """

    record: DatabaseRecord
    open_dump: Callable[[Finished], Reader]
    size_hint: int | None = None
    position: str = ""
    """The server's name for the state at the consistency point, for a later comparison; "" if it has none."""


@dataclass(frozen=True)
class DumpReading:
    """A stored dump that was read to its end: the rows of each table, and the damage that makes it unusable."""

    rows: Mapping[str, int] = field(default_factory=dict)
    damage: Sequence[str] = ()


class CaptureEngine(ABC):
    """The capture of one kind of database, and the reading of its stored dumps."""

    vendor: ClassVar[str]
    """The vendor of Django's connection, and the engine's name in a manifest."""
    has_dump: ClassVar[bool] = False
    """Databases of this kind have a dump of their own; all kinds can be stored as rows."""
    is_file: ClassVar[bool] = False
    """A database of this kind is a file."""
    side_files: ClassVar[Sequence[str]] = ()
    """The endings of the files beside such a file that belong to it."""
    needs_client: ClassVar[bool] = False
    """Client programs of the database server make and read the dumps."""
    rehearses: ClassVar[bool] = False
    """The restore of a dump can be rehearsed."""

    def open_dump(
        self, alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
    ) -> contextlib.AbstractContextManager[DatabaseCapture]:
        """Fix the consistency point of a database that has a dump of its own.

        Raises `ClientMissing`, `SourceRefused` and `CaptureFailed`.
        """
        raise SourceRefused(f"The database {alias!r} has no dump of its own. The type EXPORT carries it as rows.")

    @abstractmethod
    def open_rows(self, alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
        """Fix the consistency point of a database that is read as rows, until the stack is closed."""

    def client_programs(self, alias: str) -> Sequence[str]:
        """Name the programs that would dump the database. Raises `ClientMissing`."""
        return []

    def require_client(self, wrapper: BaseDatabaseWrapper, *, ask_server: bool) -> None:
        """Raise `ClientMissing` if the client programs are missing or, with `ask_server`, older than the server."""

    def file_of(self, alias: str) -> Path:
        """Return the file of a database, with links followed. Raises `SourceRefused` for one that is no file."""
        raise SourceRefused(f"The database {alias!r} is no file.")

    def named_file(self, alias: str) -> str:
        """Return the file of a database as the settings name it; "" for one that is no file, or is named by a URI."""
        return ""

    def read_dump(
        self, record: DatabaseRecord, stream: Reader, measure: Callable[[bytes], None], staging: Path | None
    ) -> DumpReading:
        """Read a stored dump to its end, check it and count its rows; `measure` is given every byte.

        `staging` is a private folder for copies; None uses the system's temporary folder.
        """
        raise _no_dump(record)

    def rehearse(self, place: DumpPlace, record: DatabaseRecord, leave_out: frozenset[str] = frozenset()) -> Rehearsal:
        """Restore the schema of a dump, without the objects in `leave_out`, into a database that is dropped again.

        Raises `RestoreFailed`, `ClientMissing`, and Django's `DatabaseError`.
        """
        raise _no_dump(record)

    def missing_restore_rights(self, cursor: CursorWrapper) -> Sequence[str]:
        """Return the rights that a restore needs and the role of this connection lacks, each with the remedy."""
        return []

    @abstractmethod
    def open_sample(self, alias: str, seconds: int) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        """Open a connection to read some rows, which waits for a lock no longer than `seconds`."""

    def limited(
        self, wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, seconds: int
    ) -> contextlib.AbstractContextManager[None]:
        """Limit each statement of the block to `seconds`."""
        return contextlib.nullcontext()

    @abstractmethod
    def as_text(self, column: str) -> tuple[str, str]:
        """Return two expressions for a quoted column: its value as text, and its length without reading it."""


def _no_dump(record: DatabaseRecord) -> SourceRefused:
    return SourceRefused(f"A database of {record.engine} has no dump.")
