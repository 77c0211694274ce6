"""Files of uploaded packages: one for each upload, in a private folder. Its length is the number of bytes received.

The content of an upload is read only when a restore of it is planned or run, and then as that of any other package.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from strongroom.errors import OUT_OF_SPACE

from .. import conf
from ..core.file_locks import lock_within
from ..errors import StorageBusy, StorageFull, UploadBusy, UploadConflict, UploadNotFound
from .private_files import make_private_folder

_FOLDER: Final = "uploads"
_ENDING: Final = ".part"
_CHUNK: Final = 1 << 20
_MARGIN: Final = 16 << 20
"""Bytes that stay free."""
_PATIENCE: Final = 10.0
_PAUSE: Final = 0.02


class Source(Protocol):
    """The source of the uploaded bytes."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        ...


def upload_path(upload: uuid.UUID) -> Path:
    """Return the path of an upload's file."""
    return _folder() / f"{upload}{_ENDING}"


@contextlib.contextmanager
def upload_start_lock() -> Iterator[None]:
    """Let uploads begin one after the other: each sees the space promised to those before it. Raises `StorageBusy`."""
    make_private_folder(_folder())
    descriptor = os.open(_folder(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        lock_within(descriptor, fcntl.LOCK_EX, seconds=_PATIENCE, pause=_PAUSE)
        yield
    except TimeoutError as error:
        raise StorageBusy(f"No upload can begin: {error} on {_folder()}. Try again.") from error
    finally:
        os.close(descriptor)


def make_file(upload: uuid.UUID) -> None:
    """Make the empty file of an upload, readable by its owner only."""
    make_private_folder(_folder())
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(upload_path(upload), flags, 0o600))


def remove_file(upload: uuid.UUID) -> None:
    """Remove the file of an upload if it exists."""
    upload_path(upload).unlink(missing_ok=True)


def length(upload: uuid.UUID) -> int:
    """Return the number of bytes received; 0 if the file is gone."""
    try:
        return upload_path(upload).lstat().st_size
    except FileNotFoundError:
        return 0


def receive(upload: uuid.UUID, source: Source, *, offset: int, size: int) -> int:
    """Append the bytes of a source, up to `size` bytes in all, and return the number of bytes then received.

    Bytes that arrived before the source broke off stay, so that the upload can resume. Raises `UploadConflict` if the
    file does not have `offset` bytes or if more than `size` bytes come, `UploadBusy` while another request appends to
    it, and `StorageFull`.
    """
    with _locked(upload) as descriptor:
        received = os.fstat(descriptor).st_size
        if received != offset:
            raise UploadConflict(f"The upload has {received} bytes and not {offset}; go on from there.")
        while received < size and (chunk := source.read(min(_CHUNK, size - received))):
            _write(descriptor, chunk)
            received += len(chunk)
        if received == size:
            os.fsync(descriptor)
            if source.read(1):
                raise UploadConflict(f"More bytes came than the {size} that the upload was to have; they are left out.")
    return received


def require_room(size: int, *, promised: int, kept: int) -> None:
    """Raise `StorageFull` unless `size` bytes fit besides those promised to other uploads and `kept` for backups."""
    folder = _folder()
    make_private_folder(folder)
    free = shutil.disk_usage(folder).free
    kept += _MARGIN
    if size + promised + kept > free:
        raise StorageFull(
            f"{free:,} bytes are free for uploads, {promised:,} of them promised to others; {size:,} are needed, and"
            f" {kept:,} stay free for the next backups. Make room in the storage, or give up another upload."
        )


def total_bytes() -> int:
    """Return the bytes of all upload files."""
    return sum(length(upload) for upload in files())


def files() -> dict[uuid.UUID, float]:
    """Return the existing uploads, each with the time of its last change in seconds since the epoch."""
    found = {}
    for path in _folder().glob(f"*{_ENDING}"):
        with contextlib.suppress(ValueError, FileNotFoundError):
            found[uuid.UUID(path.name.removesuffix(_ENDING))] = path.lstat().st_mtime
    return found


def _folder() -> Path:
    return conf.load().storage_root.resolve() / _FOLDER


@contextlib.contextmanager
def _locked(upload: uuid.UUID) -> Iterator[int]:
    try:
        descriptor = os.open(upload_path(upload), os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UploadNotFound(f"The file of the upload {upload} is gone; begin anew.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UploadBusy("Another request adds to this upload at this moment.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        if error.errno not in OUT_OF_SPACE:
            raise
        raise StorageFull(
            f"The upload cannot be stored: {error.strerror}. The part that arrived is kept; free space and resume from"
            " there."
        ) from error
