"""Storage places for repositories."""

from strongroom.backends.base import Backend, FileHandle, StoredFile
from strongroom.backends.local import LocalBackend

__all__ = ["Backend", "FileHandle", "LocalBackend", "StoredFile"]
