"""Contents on their way into the storage: streamed, measured and hashed while they pass."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.core.files import File
from django.core.files.storage import Storage

from .models import DocumentVersion, stored_name
from .names import as_text

CHUNK = 1024 * 1024


@dataclass(frozen=True)
class StoredFile:
    """A content that lies in the storage and belongs to no row yet."""

    version_id: uuid.UUID
    name: str
    size: int
    sha256: str
    source_name: bytes


class SourceUnreadable(Exception):
    """The content could not be read to its end; the message is the system's reason."""


class MeasuredFile(File):  # type: ignore[type-arg]  # File is generic in the stubs only, not at run time.
    """A file that knows, once it has been read to its end, how long it was and its SHA-256."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.stream = stream
        self.measured = 0
        self.digest = hashlib.sha256()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        while chunk := self._read(chunk_size or CHUNK):
            self.measured += len(chunk)
            self.digest.update(chunk)
            yield chunk

    def _read(self, size: int) -> bytes:
        try:
            return self.stream.read(size)
        except OSError as error:
            # A source that fails and a storage that fails call for different answers, so they are told apart here.
            raise SourceUnreadable(error.strerror or str(error)) from error


def storage() -> Storage:
    """Where the contents of documents are kept."""
    return DocumentVersion.file.field.storage


def file_store(stream: BinaryIO, *, source_name: bytes) -> StoredFile:
    """Write the content, read to its end in pieces, under a name made of a new version's id.

    `source_name` is what it was called, a name or a relative path. SourceUnreadable when the stream fails; what the
    storage raises comes through. Nothing remains in the storage in either case.
    """
    version_id = uuid.uuid4()
    name = stored_name(DocumentVersion(id=version_id), as_text(source_name))
    content = MeasuredFile(stream)
    try:
        saved = storage().save(name, content)
    except BaseException:
        storage().delete(name)
        raise
    return StoredFile(version_id, saved, content.measured, content.digest.hexdigest(), source_name)


def files_delete(names: list[str]) -> None:
    """Remove contents that no row refers to (any more)."""
    for name in names:
        storage().delete(name)
