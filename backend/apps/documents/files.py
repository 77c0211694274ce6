"""Write the content of documents to the storage, as a stream, with size and hash."""

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
    """A stored file that does not belong to a row yet."""

    version_id: uuid.UUID
    name: str
    size: int
    sha256: str
    source_name: bytes


class SourceUnreadable(Exception):
    """The source could not be read to its end. The message is the reason of the system."""


class MeasuredFile(File):  # type: ignore[type-arg]  # File is generic in the stubs only, not at run time.
    """A file that measures its size and SHA-256 while it is read."""

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
            # A failing source and a failing storage are handled differently, so they are told apart here.
            raise SourceUnreadable(error.strerror or str(error)) from error


def storage() -> Storage:
    """Return the storage of the documents' files."""
    return DocumentVersion.file.field.storage


def file_store(stream: BinaryIO, *, source_name: bytes) -> StoredFile:
    """Store the content of a stream under a name made of a new version's id.

    `source_name` is its original name or relative path. Raises SourceUnreadable if the stream fails, and the errors of
    the storage. After an error, nothing remains in the storage.
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
    """Remove files from the storage that no row refers to."""
    for name in names:
        storage().delete(name)
