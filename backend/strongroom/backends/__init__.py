"""Storage for repositories: the contract of a backend, and the backends that exist."""

from strongroom.backends.address import open_backend
from strongroom.backends.base import Backend, FileHandle, StoredFile
from strongroom.backends.local import LocalBackend

__all__ = ["Backend", "FileHandle", "LocalBackend", "StoredFile", "open_backend"]
