"""The contract of a storage place.

A backend stores whole, immutable files under a kind and a name. It knows nothing of what is in them.

* `save` is atomic and durable: when it returns, the file is there under its name with all its bytes and survives a
  loss of power; when it raises or the process dies, there is no file of that name. What a crash leaves behind besides
  (temporary files) bears no valid name and is invisible to `list_files`; `list_leftovers` names it, and besides it the
  file that another process is writing just now: only its age tells them apart. It never overwrites: FileExists.
* `load`, `load_range` and `size` see what `save` has finished. A range that the file does not have entirely is
  FileMissing's sibling BackendError, never a short answer.
* `list_files` yields each file of a kind once, in any order, and nothing whose name is not valid. Files that come or go
  while it runs may or may not be seen. `modified` is when the file was stored, by the clock of the place, or None where
  the place does not know: a hint for judging its age, never part of what is stored.
* `remove` is durable; a file that is gone already is FileMissing.
* Every failure is a BackendError whose text names the file and the place. All methods are safe to call from several
  threads at once.

Names are checked on the way in (`FileHandle`) and on the way out (`list_files`): 64 lower-case hex digits and nothing
else, so no name can ever mean another place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Protocol

from strongroom.ids import FileKind, StorageId, is_storage_name
from strongroom.streams import Buffer


@dataclasses.dataclass(frozen=True, slots=True)
class FileHandle:
    """Names a stored file. ValueError for a name that no stored file can have."""

    kind: FileKind
    name: str = ""

    def __post_init__(self) -> None:
        valid = self.name == "" if self.kind is FileKind.CONFIG else is_storage_name(self.name)
        if not valid:
            raise ValueError(f"{self.name!r} is not the name of a stored file")

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.name}" if self.name else self.kind.value


CONFIG = FileHandle(FileKind.CONFIG)


@dataclasses.dataclass(frozen=True, slots=True)
class StoredFile:
    """A listed file; `size` in bytes, `modified` in seconds since the epoch."""

    name: StorageId
    size: int
    modified: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Leftover:
    """What a save that broke off has left, part of nothing; `name` is the place's own for it, the rest as above."""

    name: str
    size: int
    modified: float | None = None


class Backend(Protocol):
    """See the module's text for the promises."""

    @property
    def location(self) -> str:
        """Where it is, for messages; never holds a secret."""

    def create(self) -> None:
        """Make the place ready for a new repository. Existing files stay untouched."""

    def save(self, handle: FileHandle, parts: Sequence[Buffer]) -> None:
        """Store the concatenation of `parts`."""

    def load(self, handle: FileHandle) -> bytes:
        """All bytes of a file."""

    def load_range(self, handle: FileHandle, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`."""

    def size(self, handle: FileHandle) -> int:
        """Bytes of a file."""

    def list_files(self, kind: FileKind) -> Iterator[StoredFile]:
        """All files of a kind; none when the place does not exist."""

    def remove(self, handle: FileHandle) -> None:
        """Delete a file."""

    def list_leftovers(self) -> Iterator[Leftover]:
        """What saves have left that broke off, or that are not done; none in a place that keeps no such thing."""

    def remove_leftover(self, leftover: Leftover) -> None:
        """Delete what `list_leftovers` gave."""
