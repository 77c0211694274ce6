"""Write entries as members of a `.tar.gz`, in the order of packages."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from strongroom.entries import Entry, Folder, OnDisk, Problem, Stream
from strongroom.errors import PackageRefused
from strongroom.long_paths import reachable
from strongroom.packages import readme
from strongroom.packages.checksums import ChecksumList
from strongroom.packages.gzip_writer import GzipWriter
from strongroom.packages.member_order import README, SUMS, TOP, place_of
from strongroom.packages.openpgp import Sink
from strongroom.packages.reader import Progress
from strongroom.packages.spool import Spool
from strongroom.packages.tar_format import END, MAX_DEPTH, MAX_NAME, Member, encode_header, padding, shown
from strongroom.sparse_files import hole_bytes

_PIECE: Final = 1 << 20
_MOST_HOLES: Final = 1 << 29
"""The maximum size of all holes: half the size up to which readers accept any compression ratio."""
_EVERYWHERE: Final = frozenset({"security.selinux"})
"""Attributes that the system sets on every file."""
_NAMES_KEPT: Final = 10
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""Flags to open a listed file. If a link or a pipe has replaced it, the call neither follows nor waits."""


class ArchiveWriter:
    """Write one package to `target`. Streams of unknown length are buffered in `folder`."""

    def __init__(
        self,
        target: Sink,
        folder: Path,
        *,
        mtime_ns: int,
        level: int,
        progress: Progress | None,
        on_problem: Callable[[Problem], None] | None,
    ) -> None:
        self._target = target
        self._gzip = GzipWriter(target, level=level)
        self._folder = folder
        self._mtime_ns = mtime_ns
        self._progress = progress
        self._on_problem = on_problem
        self._sums = ChecksumList(folder)
        self.problems: list[Problem] = []
        self.with_attributes: list[bytes] = []
        """The first paths with extended attributes or access lists, which are not stored."""
        self.attributes_count = 0
        """The number of all such paths."""
        self._holes = 0
        self.files = 0
        self.content_bytes = 0

    def close(self) -> None:
        """Stop the threads and drop the buffers."""
        self._sums.close()
        self._gzip.close()

    def pack(self, entries: Iterable[Entry]) -> None:
        """Write the package, from README.txt to SHA256SUMS. Raises `PackageRefused`, and the errors of the sources."""
        ordered = sorted(entries, key=lambda entry: place_of(entry.name))
        for entry in ordered:
            if entry.name not in TOP or entry.name in {README, SUMS}:
                raise PackageRefused(f"Cannot pack {shown(entry.name)!r}: a package has no entry of that name.")
        self._head(Member(README, False, len(readme.TEXT), 0o600, self._mtime_ns))
        self._gzip.write(readme.TEXT)
        self._finish_file(README, len(readme.TEXT), hashlib.sha256(readme.TEXT).digest())
        for entry in ordered:
            self._entry(b"", entry)
        spool = self._sums.spool
        spool.rewind()
        self._head(Member(SUMS, False, spool.size, 0o600, self._mtime_ns))
        while piece := spool.read(_PIECE):
            self._gzip.write(piece)
        self._gzip.write(padding(spool.size) + END)
        self._gzip.flush()

    def _entry(self, parent: bytes, entry: Entry) -> None:
        name = parent + entry.name
        if isinstance(entry, Stream):
            self._stream(name, entry)
        elif isinstance(entry, Folder):
            self._head(Member(name, True, 0, entry.mode, self._time_of(entry)))
            for inner in sorted(entry.entries, key=lambda inner: inner.name):
                self._entry(name + b"/", inner)
        else:
            self._on_disk(name, entry)

    def _time_of(self, entry: Stream | Folder) -> int:
        return self._mtime_ns if entry.mtime_ns is None else entry.mtime_ns

    def _head(self, member: Member) -> None:
        self._gzip.write(encode_header(member))

    def _finish_file(self, name: bytes, size: int, digest: bytes) -> None:
        self._gzip.write(padding(size))
        self._sums.add(name, digest)
        self.files += 1
        self.content_bytes += size
        self._tell_progress()

    def _tell_progress(self, unfinished: int = 0) -> None:
        """Report the finished files, and the bytes including those of the `unfinished` one."""
        if self._progress is not None:
            self._progress(self.files, self.content_bytes + unfinished)

    def _stream(self, name: bytes, entry: Stream) -> None:
        """Write a stream of unknown length. tar needs the length first, so the compressed data is buffered."""
        digest = hashlib.sha256()
        size = 0
        with contextlib.closing(Spool(self._folder)) as spool:
            with self._gzip.diverted(spool), contextlib.closing(entry.open()) as reader:
                while piece := reader.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
                    self._gzip.write(piece)
                    self._tell_progress(size)
            self._head(Member(name, False, size, entry.mode, self._time_of(entry)))
            self._gzip.flush()
            spool.rewind()
            while packed := spool.read(_PIECE):
                self._target.write(packed)
        self._finish_file(name, size, digest.digest())

    def _on_disk(self, name: bytes, entry: OnDisk) -> None:
        """Write a file, or a folder with everything below it. `waiting` has the remaining names of open folders."""
        waiting = [(name, entry.path, self._look(name, entry.path, entry))]
        while waiting:
            inside, path, names = waiting[-1]
            if not names:
                waiting.pop()
                continue
            child = names.pop()
            below, inside = path + b"/" + child, inside + b"/" + child
            if entry.exclude is None or not entry.exclude(below):
                waiting.append((inside, below, self._look(inside, below, entry)))

    def _look(self, inside: bytes, path: bytes, entry: OnDisk) -> list[bytes]:
        """Write the entry at `path`. Return the names below it, in reverse order."""
        refuge = entry.refuge
        try:
            names = self._write(inside, path)
        except FileNotFoundError as error:
            found = None if refuge is None else refuge.find(path)
            try:
                names = self._write(inside, path if found is None else found)
            except FileNotFoundError:
                self._report(path, f"cannot read: {error.strerror}", vanished=path != entry.path)
                return []
        if names is None:
            return []
        if refuge is not None:
            # After the listing: a file that is deleted meanwhile is in the listing or among the kept files.
            names = sorted({*names, *refuge.names(path)}, reverse=True)
        return names

    def _write(self, inside: bytes, path: bytes) -> list[bytes] | None:
        """Write an entry. Return the names below a folder; None for any other entry.

        Raises FileNotFoundError before anything is written.
        """
        if len(inside) > MAX_NAME or inside.count(b"/") >= MAX_DEPTH:
            self._report(
                path, f"is too deep or has too long a path for a package ({MAX_DEPTH} folders, {MAX_NAME} bytes)"
            )
            return None
        try:
            with reachable(path) as place:
                status = os.lstat(place)
                names = sorted(os.listdir(place), reverse=True) if stat.S_ISDIR(status.st_mode) else []
                self._notice_attributes(path, place, status)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._report(path, f"cannot read: {error.strerror}")
            return None
        if stat.S_ISDIR(status.st_mode):
            self._head(_member_of(inside, status, is_folder=True))
        elif stat.S_ISREG(status.st_mode):
            self._file(inside, path)
        else:
            self._report(path, "is a link or a special file, which a package does not hold")
        return names if stat.S_ISDIR(status.st_mode) else None

    def _file(self, inside: bytes, path: bytes) -> None:
        try:
            with reachable(path) as place:
                descriptor = os.open(place, _FLAGS)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._report(path, f"cannot read: {error.strerror}")
            return
        try:
            self._open_file(inside, path, descriptor)
        finally:
            os.close(descriptor)

    def _open_file(self, inside: bytes, path: bytes, descriptor: int) -> None:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            self._report(path, "is no longer a regular file: it was replaced after the folder was listed")
            return
        holes = hole_bytes(descriptor, before)
        if self._holes + holes > _MOST_HOLES:
            self._report(
                path,
                f"has {before.st_size:,} bytes and is mostly holes; a package can have at most {_MOST_HOLES:,} bytes of"
                " holes, a backup in a repository any number",
            )
            return
        self._holes += holes
        failure = ""

        def read(size: int) -> bytes:
            nonlocal failure
            try:
                return os.read(descriptor, size)
            except OSError as error:
                failure = f"cannot read: {error.strerror}"
                return b""

        self._head(_member_of(inside, before, is_folder=False))
        missing = self._content(inside, read, before.st_size)
        if failure:
            self._report(path, f"{failure}; its last {missing} bytes are stored as zeros")
        elif missing:
            got = before.st_size - missing
            self._report(path, f"shrank from {before.st_size} to {got} bytes while it was read")
        elif read(1):
            self._report(path, "grew while it was read; only its beginning is stored")
        elif os.fstat(descriptor).st_mtime_ns != before.st_mtime_ns:
            self._report(path, "changed while it was read; the content that was read is stored")

    def _content(self, name: bytes, read: Callable[[int], bytes], size: int) -> int:
        """Copy `size` bytes. Return the number of missing bytes, written as zeros: the header is already written."""
        digest = hashlib.sha256()
        left, missing = size, 0
        while left:
            wanted = min(_PIECE, left)
            piece = b"" if missing else read(wanted)
            if not piece:
                missing = missing or left
                piece = bytes(wanted)
            digest.update(piece)
            self._gzip.write(piece)
            left -= len(piece)
            self._tell_progress(size - left)
        self._finish_file(name, size, digest.digest())
        return missing

    def _notice_attributes(self, path: bytes, place: bytes, status: os.stat_result) -> None:
        if not hasattr(os, "listxattr") or not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
            return
        if set(os.listxattr(place, follow_symlinks=False)) - _EVERYWHERE:
            self.attributes_count += 1
            if len(self.with_attributes) < _NAMES_KEPT:
                self.with_attributes.append(path)

    @property
    def notes(self) -> list[str]:
        """Return further remarks for the user."""
        if not self.attributes_count:
            return []
        names = ", ".join(shown(path) for path in self.with_attributes)
        more = ", …" if self.attributes_count > len(self.with_attributes) else ""
        return [
            f"{self.attributes_count} files or folders have extended attributes or access control lists, which a"
            f" package does not store: {names}{more}"
        ]

    def _report(self, path: bytes, reason: str, *, vanished: bool = False) -> None:
        problem = Problem(path, reason, vanished)
        self.problems.append(problem)
        if self._on_problem is not None:
            self._on_problem(problem)


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
