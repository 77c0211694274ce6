"""Storage places for repositories."""

from strongroom.backends.base import Backend, FileHandle, StoredFile
from strongroom.backends.local import LocalBackend
from strongroom.backends.memory import MemoryBackend

__all__ = ["Backend", "FileHandle", "LocalBackend", "MemoryBackend", "StoredFile"]
