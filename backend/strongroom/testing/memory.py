"""A backend in memory, for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence

from strongroom.backends.base import FileHandle, Leftover, StoredFile
from strongroom.errors import BackendError, FileExists, FileMissing
from strongroom.ids import FileKind, StorageId
from strongroom.streams import Buffer


class MemoryBackend:
    """Store files in a dictionary. `copy` returns the state that a crash now would leave."""

    def __init__(self, files: Mapping[FileHandle, bytes] | None = None) -> None:
        self.files: dict[FileHandle, bytes] = dict(files or {})
        self.modified: dict[FileHandle, float] = {}
        """The time of storage of each file; a file that a test puts into `files` directly has none."""
        self._guard = threading.Lock()

    @property
    def location(self) -> str:
        return "memory"

    def copy(self) -> MemoryBackend:
        """Return another backend with the same files."""
        with self._guard:
            other = MemoryBackend(self.files)
            other.modified = dict(self.modified)
            return other

    def create(self) -> None:
        """Do nothing: there is nothing to prepare."""

    def save(self, handle: FileHandle, parts: Sequence[Buffer]) -> None:
        with self._guard:
            if handle in self.files:
                raise FileExists(f"{handle} is stored in {self.location} already.")
            self.files[handle] = b"".join(parts)
            self.modified[handle] = time.time()

    def load(self, handle: FileHandle) -> bytes:
        try:
            return self.files[handle]
        except KeyError:
            raise FileMissing(f"There is no {handle} in {self.location}.") from None

    def load_range(self, handle: FileHandle, offset: int, length: int) -> bytes:
        part = self.load(handle)[offset : offset + length]
        if len(part) != length:
            raise BackendError(f"{handle} in {self.location} ends before byte {offset + length}.")
        return part

    def size(self, handle: FileHandle) -> int:
        return len(self.load(handle))

    def list_files(self, kind: FileKind) -> Iterator[StoredFile]:
        with self._guard:
            found = [
                StoredFile(StorageId(handle.name), len(data), self.modified.get(handle))
                for handle, data in self.files.items()
                if handle.kind is kind and handle.name
            ]
        yield from found

    def remove(self, handle: FileHandle) -> None:
        with self._guard:
            if self.files.pop(handle, None) is None:
                raise FileMissing(f"There is no {handle} in {self.location}.")
            self.modified.pop(handle, None)

    def list_leftovers(self) -> Iterator[Leftover]:
        yield from ()

    def remove_leftover(self, leftover: Leftover) -> None:
        raise FileMissing(f"There is no {leftover.name} in {self.location}.")
