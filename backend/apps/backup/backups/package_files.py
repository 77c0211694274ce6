"""Open the package file of a job: for download as it is, to look into it, and to read single files out of it."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from strongroom.downloads import LeftOut, Stretch
from strongroom.downloads.base import identity_of
from strongroom.errors import Damaged, PackageRefused
from strongroom.packages import Package, open_package
from strongroom.passphrase import read_passphrase

from ..core.paths import text_of
from ..errors import BackupNotFound
from ..storage.locations import SEALED_PACKAGE
from ..storage.packages import is_package_folder
from ..storage.passphrase import fingerprint

_PIECE: Final = 1 << 20
_MOST_PROVED: Final = 8
_LARGEST_OPENED: Final = 16 << 30
"""Bytes of the largest package that is opened over HTTP: it is read to its end before any content is handed out."""


class PackageFileDownload:
    """The package file as it is, through an open descriptor: it can be read to its end even if it is removed."""

    def __init__(self, file: IO[bytes], name: str, checksum: str) -> None:
        status = os.fstat(file.fileno())
        self._file = file
        self._name = name
        self.length = status.st_size
        self.identity = identity_of("package file", checksum, status.st_size, status.st_mtime_ns, status.st_ino)
        self.left_out = LeftOut()

    def read(self, start: int, stop: int) -> Stretch:
        """See `Download`."""
        while start < stop:
            piece = os.pread(self._file.fileno(), min(_PIECE, stop - start), start)
            if not piece:
                raise Damaged(f"The package {self._name} has become shorter while it was read.")
            start += len(piece)
            yield piece


@contextlib.contextmanager
def open_package_file(path: Path) -> Iterator[IO[bytes]]:
    """Open the package at `path` for reading.

    Raises `BackupNotFound`, and `PackageRefused` for a folder into which no job writes packages.
    """
    resolved = path.resolve()
    if not is_package_folder(resolved.parent):
        raise PackageRefused(
            f"The package {path.name} was written outside of the backup storage, from where nothing is handed out."
        )
    try:
        # Do not follow a link that has replaced the file, and do not wait for the other end of a pipe.
        descriptor = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise BackupNotFound(f"The package {path.name} is not where its job has put it.") from error
    except OSError as error:
        raise PackageRefused(f"The package {path.name} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PackageRefused(f"The package {path.name} is no file.")
        yield file


class MemberDownload:
    """One file out of a package, which is read up to that file. Raises `PackageRefused`, `BackupNotFound`."""

    def __init__(self, package: Package, path: bytes, of: PackageFileDownload) -> None:
        with package.walk(path) as found:
            member = next((one for one, _ in found), None)
        if member is None or member.name != path:
            raise BackupNotFound(f"There is no {text_of(path)!r} in the backup.")
        if member.is_folder:
            raise PackageRefused("Of a package one file is handed out, or the whole; not a folder.")
        self._package = package
        self._path = path
        self.length = member.size
        self.identity = identity_of("member", of.identity, path)
        self.left_out = LeftOut()

    def read(self, start: int, stop: int) -> Stretch:
        """See `Download`."""
        with self._package.open_member(os.fsdecode(self._path)) as content:
            position = 0
            while position < stop:
                piece = content.read(min(_PIECE, stop - position))
                if not piece:
                    raise Damaged(f"{text_of(self._path)!r} is shorter than the package says.")
                position += len(piece)
                if position > start:
                    yield piece[max(start - (position - len(piece)), 0) :]


_Key = tuple[str, int, int, int, bytes]
_proved: OrderedDict[_Key, Package] = OrderedDict()
_guard = threading.Lock()


def proved_package(path: Path, file: IO[bytes]) -> Package:
    """Return the package after reading it to its end and proving it whole; cached for the same file and passphrase.

    Content that is read later is compared with what was proved. Raises `PackageRefused` and `PassphraseError`.
    """
    status = os.fstat(file.fileno())
    if status.st_size > _LARGEST_OPENED:
        raise PackageRefused(
            f"The package {path.name} has {status.st_size:,} bytes, too many to look into it here; take it whole, and"
            " look into it with `strongroom package list`."
        )
    secret = fingerprint(read_passphrase()) if path.name.endswith(SEALED_PACKAGE) else b""
    key = (str(path.resolve()), status.st_ino, status.st_size, status.st_mtime_ns, secret)
    with _guard:
        known = _proved.get(key)
        if known is not None:
            _proved.move_to_end(key)
            return known
    package = open_package(path.resolve())
    with _guard:
        _proved[key] = package
        while len(_proved) > _MOST_PROVED:
            _proved.popitem(last=False)
    return package
