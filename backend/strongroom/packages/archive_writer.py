"""Entries to members of a `.tar.gz`, in the one order that packages have."""

from __future__ import annotations

import contextlib
import errno
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
from strongroom.packages.checksums import Sums
from strongroom.packages.gzip_writer import GzipWriter
from strongroom.packages.member_order import README, SUMS, TOP, place_of
from strongroom.packages.openpgp import Sink
from strongroom.packages.reader import Progress
from strongroom.packages.spool import Spool
from strongroom.packages.tar_format import END, MAX_DEPTH, MAX_NAME, Member, encode_header, padding, shown

_PIECE: Final = 1 << 20
_BLOCK: Final = 512
"""Bytes in the unit of `st_blocks`, whatever the file system's own."""
_MOST_HOLES: Final = 1 << 29
"""Half of what a package may swell to without being taken for a bomb; holes compress to nothing."""
_EVERYWHERE: Final = frozenset({"security.selinux"})
"""Attributes that the system itself gives to every file."""
_NAMES_KEPT: Final = 10
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""Of what was a file a moment ago; whatever has replaced it is neither followed nor waited for."""


class Packing:
    """One package on its way out to `target`. What must wait until its length is known waits in `folder`."""

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
        self._sums = Sums(folder)
        self.problems: list[Problem] = []
        self.with_attributes: list[bytes] = []
        """The first paths whose extended attributes or access lists are left behind, and of all how many."""
        self.attributes_count = 0
        self._holes = 0
        self.files = 0
        self.content_bytes = 0

    def close(self) -> None:
        """Stop the threads and drop what waits."""
        self._sums.close()
        self._gzip.close()

    def pack(self, entries: Iterable[Entry]) -> None:
        """Write everything, from README.txt to SHA256SUMS. Raises `PackageRefused`, and what the sources raise."""
        ordered = sorted(entries, key=lambda entry: place_of(entry.name))
        for entry in ordered:
            if entry.name not in TOP or entry.name in {README, SUMS}:
                raise PackageRefused(f"{shown(entry.name)!r} is not to be put into a package.")
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
        if self._progress is not None:
            self._progress(self.files, self.content_bytes)

    def _stream(self, name: bytes, entry: Stream) -> None:
        """A stream of unknown length. tar wants the length first: what is compressed already waits for the header."""
        digest = hashlib.sha256()
        size = 0
        with contextlib.closing(Spool(self._folder)) as spool:
            with self._gzip.diverted(spool), contextlib.closing(entry.open()) as reader:
                while piece := reader.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
                    self._gzip.write(piece)
            self._head(Member(name, False, size, entry.mode, self._time_of(entry)))
            self._gzip.flush()
            spool.rewind()
            while packed := spool.read(_PIECE):
                self._target.write(packed)
        self._finish_file(name, size, digest.digest())

    def _on_disk(self, name: bytes, entry: OnDisk) -> None:
        """A file, or a folder with everything below it. Of each open folder the names that are left wait."""
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
        """Write what lies at `path`, but not what is below it: those names are returned, the first of them last."""
        refuge = entry.refuge
        try:
            names = self._write(inside, path)
        except FileNotFoundError as error:
            found = None if refuge is None else refuge.find(path)
            try:
                names = self._write(inside, path if found is None else found)
            except FileNotFoundError:
                self._report(path, f"cannot be read: {error.strerror}", vanished=path != entry.path)
                return []
        if names is None:
            return []
        if refuge is not None:
            # After the listing: a file that is deleted meanwhile is in the one or in the other.
            names = sorted({*names, *refuge.names(path)}, reverse=True)
        return names

    def _write(self, inside: bytes, path: bytes) -> list[bytes] | None:
        """The names below a folder; None of anything else. Raises FileNotFoundError before anything was written."""
        if len(inside) > MAX_NAME or inside.count(b"/") >= MAX_DEPTH:
            self._report(path, f"lies deeper, or has a longer path, than a package holds ({MAX_DEPTH} folders)")
            return None
        try:
            with reachable(path) as place:
                status = os.lstat(place)
                names = sorted(os.listdir(place), reverse=True) if stat.S_ISDIR(status.st_mode) else []
                self._notice_attributes(path, place, status)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._report(path, f"cannot be read: {error.strerror}")
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
            self._report(path, f"cannot be read: {error.strerror}")
            return
        try:
            self._open_file(inside, path, descriptor)
        finally:
            os.close(descriptor)

    def _open_file(self, inside: bytes, path: bytes, descriptor: int) -> None:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            self._report(path, "was replaced by something that is no file while the folder was read")
            return
        holes = _holes(descriptor, before)
        if self._holes + holes > _MOST_HOLES:
            self._report(
                path,
                f"has {before.st_size:,} bytes and is mostly holes; a package holds {_MOST_HOLES:,} bytes of holes at"
                " the most, a backup in a repository any number",
            )
            return
        self._holes += holes
        failure = ""

        def read(size: int) -> bytes:
            nonlocal failure
            try:
                return os.read(descriptor, size)
            except OSError as error:
                failure = f"cannot be read: {error.strerror}"
                return b""

        self._head(_member_of(inside, before, is_folder=False))
        missing = self._content(inside, read, before.st_size)
        if failure:
            self._report(path, f"{failure}; zeros stand for its last {missing} bytes")
        elif missing:
            got = before.st_size - missing
            self._report(path, f"shrank from {before.st_size} to {got} bytes while it was read")
        elif read(1):
            self._report(path, "grew while it was read; its beginning was stored")
        elif os.fstat(descriptor).st_mtime_ns != before.st_mtime_ns:
            self._report(path, "changed while it was read; what was read is stored")

    def _content(self, name: bytes, read: Callable[[int], bytes], size: int) -> int:
        """Copy `size` bytes; returns how many were missing. Zeros stand for them: the header is out."""
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
        """What one may want to know, in words."""
        if not self.attributes_count:
            return []
        names = ", ".join(shown(path) for path in self.with_attributes)
        more = ", …" if self.attributes_count > len(self.with_attributes) else ""
        return [
            f"{self.attributes_count} files or folders have extended attributes or access control lists, which a"
            f" package does not hold: {names}{more}"
        ]

    def _report(self, path: bytes, reason: str, *, vanished: bool = False) -> None:
        problem = Problem(path, reason, vanished)
        self.problems.append(problem)
        if self._on_problem is not None:
            self._on_problem(problem)


def _holes(descriptor: int, status: os.stat_result) -> int:
    """Bytes of a file that were never written. That it has few blocks may also mean that the file system compresses."""
    if status.st_blocks * _BLOCK >= status.st_size:
        return 0
    holes = position = 0
    while position < status.st_size:
        try:
            data = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            data = status.st_size  # the rest is a hole
        holes += data - position
        position = os.lseek(descriptor, data, os.SEEK_HOLE) if data < status.st_size else data
    os.lseek(descriptor, 0, os.SEEK_SET)
    return holes


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
