"""The contract of a storage backend.

A backend stores whole, immutable files under a kind and a name. It does not interpret their content.

* `save` is atomic and durable. When it returns, the file exists with all its bytes and survives a loss of power. When
  it raises or the process dies, no file of that name exists. Temporary files that a crash leaves have no valid name:
  `list_files` does not list them, `list_leftovers` does. `list_leftovers` also lists a file that another process is
  writing at the moment; only the age tells them apart. `save` never overwrites: it raises FileExists.
* `load`, `load_range` and `size` see finished files only. A range beyond the end of the file raises BackendError; the
  result is never shorter than requested.
* `list_files` yields each file of a kind once, in any order, and only valid names. Files that are added or removed
  meanwhile may or may not be listed. `modified` is the time of storage by the clock of the storage, or None if it is
  unknown: a hint for the age of a file, never part of its content.
* `remove` is durable. It raises FileMissing if the file does not exist.
* Every failure is a BackendError whose text names the file and the location. All methods may be called from several
  threads at once.

Names are checked on the way in (`FileHandle`) and on the way out (`list_files`): 64 lower-case hex digits and nothing
else, so that no name can lead to another place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Protocol

from strongroom.ids import FileKind, StorageId, is_storage_name
from strongroom.streams import Buffer


@dataclasses.dataclass(frozen=True, slots=True)
class FileHandle:
    """The kind and name of a stored file. Raises ValueError for an invalid name."""

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
    """A temporary file of an interrupted `save`. `name` is its name in the storage; the rest as in `StoredFile`."""

    name: str
    size: int
    modified: float | None = None


class Backend(Protocol):
    """The interface of a storage backend. The docstring of the module is its contract."""

    @property
    def location(self) -> str:
        """Return the location, for messages. Never contains a secret."""

    def create(self) -> None:
        """Prepare the storage for a new repository. Existing files stay untouched."""

    def save(self, handle: FileHandle, parts: Sequence[Buffer]) -> None:
        """Store the concatenated `parts` as one file."""

    def load(self, handle: FileHandle) -> bytes:
        """Return all bytes of a file."""

    def load_range(self, handle: FileHandle, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`."""

    def size(self, handle: FileHandle) -> int:
        """Return the size of a file in bytes."""

    def list_files(self, kind: FileKind) -> Iterator[StoredFile]:
        """Yield all files of a kind; none if the storage does not exist."""

    def remove(self, handle: FileHandle) -> None:
        """Delete a file."""

    def list_leftovers(self) -> Iterator[Leftover]:
        """Yield the temporary files of interrupted or running saves; none in a storage without such files."""

    def remove_leftover(self, leftover: Leftover) -> None:
        """Delete a file that `list_leftovers` has listed."""
