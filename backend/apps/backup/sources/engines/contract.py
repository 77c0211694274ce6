"""The contract of capture engines: how a backup reads one kind of database.

A backup opens each database at the consistency point, as a dump or as rows, and reads it while the block runs. Another
kind of database is a new package here, with one subclass of `CaptureEngine`, and a line in `registry`.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from strongroom.streams import Reader

from ...core.manifest import DatabaseRecord
from ..errors import SourceRefused
from ..file_references import NamedFiles, ReferenceField
from .opened_rows import OpenedRows

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

Finished = Callable[[int, str], None]
"""Called with size and SHA-256 when a dump has been read to its end."""


@dataclass(frozen=True)
class DatabaseCapture:
    """One database at its cut: what is known of it, and its dump as a stream that can be opened once.

    Size and hash in `record` are unknown (-1, "") until the stream has been read; `finished` receives them.
    """

    record: DatabaseRecord
    open_dump: Callable[[Finished], Reader]
    size_hint: int | None = None
    position: str = ""
    """The server's name for the state at the consistency point, to compare with later; "" where it has none."""


class CaptureEngine(ABC):
    """The capture of one kind of database."""

    vendor: ClassVar[str]
    """The vendor of Django's connection, and the engine's name in a manifest."""
    has_dump: ClassVar[bool] = False
    is_file: ClassVar[bool] = False

    def open_dump(
        self, alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
    ) -> contextlib.AbstractContextManager[DatabaseCapture]:
        """Fix the consistency point of a database that has a dump of its own.

        Raises `ClientMissing`, `SourceRefused` and `CaptureFailed`.
        """
        raise SourceRefused(f"The database {alias!r} has no dump of its own. The type EXPORT carries it as rows.")

    @abstractmethod
    def open_rows(self, alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
        """Fix the consistency point of a database that is carried as rows, until the stack is closed."""

    def client_programs(self, alias: str) -> Sequence[str]:
        """Name the programs that would dump the database. Raises `ClientMissing`."""
        return []

    @abstractmethod
    def open_sample(self, alias: str, seconds: int) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        """Open a connection on which some rows are read; it waits for a lock no longer than `seconds`."""

    def limited(
        self, wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, seconds: int
    ) -> contextlib.AbstractContextManager[None]:
        """Let no statement of the block take longer than `seconds`."""
        return contextlib.nullcontext()

    @abstractmethod
    def as_text(self, column: str) -> tuple[str, str]:
        """Return two expressions for a quoted column: its value as text, and its length without reading it."""
