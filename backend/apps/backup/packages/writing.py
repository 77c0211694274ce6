"""Packages out: one `.tar.gz` with the inside of a snapshot, encrypted if asked for, complete or not there at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from strongroom.archiver import ArchiveProgress
from strongroom.entries import Entry, Folder, OnDisk, Stream
from strongroom.passphrase import Passphrase, read_passphrase

from ..sources.cut import Cut, Problem
from .errors import PackageDamaged, PackageRefused
from .gzipping import LEVEL, GzipWriter
from .openpgp import Encryptor, Sink
from .reading import SUMS, encode_sum, verify_package
from .reading import Progress as ReadingProgress
from .sealed import message_passphrase
from .spool import Spool
from .tarformat import END, Member, encode_header, padding

Progress = Callable[[ArchiveProgress], None]

_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class PackageResult:
    """A package that has been written and read back. Sizes are bytes; `problems` were met in the file trees."""

    size: int
    sha256: str
    files: int
    content_bytes: int
    problems: list[Problem]


def write_package(
    path: Path,
    cut: Cut,
    *,
    passphrase: Passphrase | None = None,
    progress: Progress | None = None,
    reading: ReadingProgress | None = None,
    before_publish: Callable[[], None] | None = None,
    compression: bool = True,
) -> PackageResult:
    """Write everything of `cut` into one new file at `path`, readable by its owner only; encrypted with `passphrase`.

    It is written beside its final name, read back, through decryption too, and only then gets its name. `reading` is
    called while it is read back, first with nothing done; `before_publish` immediately before it gets its name, and
    what it raises leaves nothing. Raises `PackageRefused` (the file exists, no space, no rights) and what the sources
    raise.
    """
    if path.exists() or path.is_symlink():
        raise PackageRefused(f"{path} exists; nothing is ever overwritten. Choose another name or move it away.")
    try:
        with _temporary(path) as (temporary, file):
            encryptor = None if passphrase is None else Encryptor(file, message_passphrase(passphrase))
            target = file if encryptor is None else encryptor
            writer = _Writer(target, path.parent, progress=progress, level=LEVEL if compression else 0)
            with contextlib.closing(writer):
                writer.write_all(cut.entries())
            if encryptor is not None:
                encryptor.finish()
            file.flush()
            os.fsync(file.fileno())
            _read_back(temporary, path, cut, passphrase=passphrase, reading=reading)
            size, sha256 = _measure(temporary)
            if before_publish is not None:
                before_publish()
            _publish(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    return PackageResult(size, sha256, writer.files, writer.content_bytes, [*cut.problems, *writer.problems])


def _read_back(
    temporary: Path, path: Path, cut: Cut, *, passphrase: Passphrase | None, reading: ReadingProgress | None
) -> None:
    if reading is not None:
        reading(0, 0)
    findings = verify_package(
        temporary,
        staging=cut.spec.staging,
        passphrase=read_passphrase if passphrase is None else lambda: passphrase,
        ours=True,
        progress=reading,
    )
    if findings:
        raise PackageDamaged(f"What was written to {path} is not what was read, so it was removed: {findings[0]}")


def _unwritable(path: Path, error: OSError) -> PackageRefused:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return PackageRefused(f"There is no space for {path} in {path.parent}; nothing was left there. Make room.")
    where = error.filename if error.filename is not None else path
    return PackageRefused(f"{path} cannot be written: {error.strerror} ({where}); nothing was left there.")


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _publish(temporary: Path, path: Path) -> None:
    try:
        # A link never replaces a file that has come to be there meanwhile; a rename would.
        os.link(temporary, path)
    except FileExistsError as error:
        raise PackageRefused(f"{path} has come to exist meanwhile; it was not overwritten.") from error
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class _Writer:
    def __init__(self, target: Sink, spool_folder: Path, *, progress: Progress | None, level: int) -> None:
        self._gzip = GzipWriter(target, level=level)
        self._spool_folder = spool_folder
        self._progress = progress
        self._now_ns = time.time_ns()
        self._sums = Spool(spool_folder)
        self.problems: list[Problem] = []
        self.files = 0
        self.content_bytes = 0

    def close(self) -> None:
        self._sums.close()
        self._gzip.close()

    def write_all(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._entry(b"", entry)
        size = self._sums.size
        self._sums.rewind()
        self._head(Member(SUMS, False, size, 0o600, self._now_ns))
        while piece := self._sums.read(_PIECE):
            self._gzip.write(piece)
        self._gzip.write(padding(size) + END)
        self._gzip.finish()

    def _entry(self, parent: bytes, entry: Entry) -> None:
        name = parent + entry.name
        if isinstance(entry, Stream):
            self._stream(name, entry)
        elif isinstance(entry, Folder):
            self._head(Member(name, True, 0, entry.mode, self._now_ns))
            for inner in entry.entries:
                self._entry(name + b"/", inner)
        else:
            self._on_disk(name, entry)

    def _head(self, member: Member) -> None:
        self._gzip.write(encode_header(member))

    def _stream(self, name: bytes, entry: Stream) -> None:
        """A stream of unknown length: tar wants the length first, so what is large waits beside the output."""
        with contextlib.closing(Spool(self._spool_folder)) as spool:
            reader = entry.open()
            try:
                while piece := reader.read(_PIECE):
                    spool.write(piece)
            finally:
                reader.close()
            spool.rewind()
            self._head(Member(name, False, spool.size, entry.mode, self._now_ns))
            self._content(name, spool.read, spool.size)

    def _content(self, name: bytes, read: Callable[[int], bytes], size: int) -> int:
        """Copy `size` bytes; returns how many there were. Missing ones are written as zeros: the header is out."""
        digest = hashlib.sha256()
        left = size
        while left and (piece := read(min(_PIECE, left))):
            digest.update(piece)
            self._gzip.write(piece)
            left -= len(piece)
        missing = left
        while left:
            piece = bytes(min(_PIECE, left))
            digest.update(piece)
            self._gzip.write(piece)
            left -= len(piece)
        self._gzip.write(padding(size))
        self._sums.write(encode_sum(name, digest.digest()))
        self.files += 1
        self.content_bytes += size
        if self._progress is not None:
            self._progress(ArchiveProgress(self.files, self.content_bytes, name))
        return size - missing

    def _on_disk(self, name: bytes, entry: OnDisk) -> None:
        pending = [(name, entry.path)]
        while pending:
            inside, path = pending.pop()
            try:
                status = os.lstat(path)
                if stat.S_ISDIR(status.st_mode):
                    children = sorted(os.listdir(path), reverse=True)
                    self._head(_member_of(inside, status, is_folder=True))
                    below = [(inside + b"/" + child, path + b"/" + child) for child in children]
                    pending += [pair for pair in below if entry.exclude is None or not entry.exclude(pair[1])]
                elif stat.S_ISREG(status.st_mode):
                    self._file(inside, path)
                else:
                    self._report(path, "is a link or a special file, which a package does not hold")
            except (FileNotFoundError, PermissionError) as error:
                self._report(path, f"cannot be read: {error.strerror}")

    def _file(self, inside: bytes, path: bytes) -> None:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            status = os.fstat(file.fileno())
            self._head(_member_of(inside, status, is_folder=False))
            got = self._content(inside, file.read, status.st_size)
            if got < status.st_size:
                self._report(path, f"shrank from {status.st_size} to {got} bytes while it was read")
            elif file.read(1):
                self._report(path, "grew while it was read; its beginning was stored")

    def _report(self, path: bytes, reason: str) -> None:
        self.problems.append(Problem(os.fsdecode(path), reason))


def _member_of(name: bytes, status: os.stat_result, *, is_folder: bool) -> Member:
    return Member(
        name=name,
        is_folder=is_folder,
        size=0 if is_folder else status.st_size,
        mode=stat.S_IMODE(status.st_mode) & 0o777,
        mtime_ns=status.st_mtime_ns,
        uid=status.st_uid,
        gid=status.st_gid,
    )
