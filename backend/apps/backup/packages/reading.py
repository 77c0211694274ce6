"""Packages in: everything is checked before anything is used.

An encrypted package is proved before it is looked into. `SHA256SUMS`, the last member, lists every file with its hash
in the form that `sha256sum -c` reads. A file that is missing, too many, doubled or changed is named.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.passphrase import read_passphrase
from strongroom.streams import Reader

from ..manifest import MAX_BYTES as MAX_MANIFEST
from ..manifest import NAME as MANIFEST
from ..manifest import Manifest, decode
from ..sources.verify import verify_database
from .errors import PackageDamaged, PackageLocked, PackageRefused
from .openpgp_packets import Source
from .sealed import PackageFile, PassphraseSource, open_file
from .tarformat import Member, TarReader

SUMS: Final = b"SHA256SUMS"
MAX_MEMBERS: Final = 10_000_000
MAX_SUMS: Final = 2 * 1024**3
TOP: Final = frozenset({b"data", b"databases", b"files", b"project", MANIFEST.encode(), SUMS})
_KEPT: Final = {SUMS: MAX_SUMS, MANIFEST.encode(): MAX_MANIFEST}
_PIECE: Final = 1 << 20

Progress = Callable[[int, int], None]
"""Called with files and bytes done."""


@dataclass(frozen=True)
class Tally:
    """Files, folders and content bytes below one path."""

    files: int = 0
    folders: int = 0
    bytes: int = 0

    def plus(self, member: Member) -> Tally:
        """With one member more."""
        return Tally(self.files + (not member.is_folder), self.folders + member.is_folder, self.bytes + member.size)


@dataclass(frozen=True)
class Package:
    """A package that has been read to its end and found whole. `roots` sums up each file root."""

    file: PackageFile
    manifest: Manifest
    total: Tally
    roots: Mapping[str, Tally]

    @property
    def path(self) -> Path:
        return self.file.path

    @contextlib.contextmanager
    def open_member(self, path: str) -> Iterator[Reader]:
        """The content of one file; `KeyError` if there is none of that name."""
        with _opened(self.file) as tar:
            for member in tar.members():
                if member.name == os.fsencode(path) and not member.is_folder:
                    yield tar
                    return
        raise KeyError(path)

    @contextlib.contextmanager
    def members(self, prefix: bytes) -> Iterator[Iterator[tuple[Member, Reader]]]:
        with _opened(self.file) as tar:
            yield _below(tar, prefix)


def _below(tar: TarReader, prefix: bytes) -> Iterator[tuple[Member, Reader]]:
    for member in tar.members():
        if member.name.startswith(prefix + b"/") and not member.is_folder:
            yield member, tar


@contextlib.contextmanager
def _opened(file: PackageFile) -> Iterator[TarReader]:
    with (
        file.open() as source,
        io.BufferedReader(_Raw(source), _PIECE) as buffered,
        gzip.GzipFile(fileobj=buffered) as stream,
    ):
        yield TarReader(_Translated(stream, file.path))


class _Raw(io.RawIOBase):
    """A source as the standard library wants its files."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Translated:
    """Errors of decompression, in the words of this room."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self._stream = stream
        self._path = path

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise PackageDamaged(
                f"The package {self._path} is damaged or no .tar.gz ({error}); fetch it again or take another."
            ) from error


class _Checker:
    """What must hold across the members of a package."""

    def __init__(self) -> None:
        self._folders: set[bytes] = set()
        self._digests: dict[bytes, bytes] = {}
        self._sums_seen = False

    def meet(self, member: Member) -> None:
        """Check a member's place; raises `PackageRefused`."""
        name = member.name
        if self._sums_seen:
            raise PackageRefused(f"{member.shown!r} follows {SUMS.decode()}, which is always last.")
        if len(self._digests) + len(self._folders) >= MAX_MEMBERS:
            raise PackageRefused(f"The package has more than {MAX_MEMBERS} members; no package is that large.")
        if name in self._folders or name in self._digests:
            raise PackageRefused(f"{member.shown!r} is in the package twice.")
        parent, _, _ = name.rpartition(b"/")
        if parent and parent not in self._folders:
            raise PackageRefused(f"{member.shown!r} lies in a folder that is not in the package.")
        if name.split(b"/", 1)[0] not in TOP:
            raise PackageRefused(f"{member.shown!r} is nothing that a package holds.")
        if member.is_folder:
            self._folders.add(name)
        self._sums_seen = name == SUMS

    def hashed(self, name: bytes, digest: bytes) -> None:
        """Note a file's hash."""
        self._digests[name] = digest

    def compare(self, sums: bytes) -> None:
        """Compare all hashes with the list; raises `PackageDamaged`."""
        listed = dict(_parse_sums(sums))
        for name, digest in self._digests.items():
            shown = os.fsdecode(name).encode("utf-8", "backslashreplace").decode()
            if name not in listed:
                raise PackageDamaged(f"{shown!r} is in the package but not in its list {SUMS.decode()}.")
            if listed[name] != digest:
                raise PackageDamaged(f"{shown!r} is damaged: its hash is not the listed one; take another package.")
        for name in listed:
            if name not in self._digests:
                raise PackageDamaged(f"{os.fsdecode(name)!r} is listed in {SUMS.decode()} but not in the package.")


def encode_sum(name: bytes, digest: bytes) -> bytes:
    """A line of SHA256SUMS, with the marks of sha256sum for names that hold a line end or a backslash."""
    if b"\n" in name or b"\\" in name or b"\r" in name:
        escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        return b"\\" + digest.hex().encode() + b"  " + escaped + b"\n"
    return digest.hex().encode() + b"  " + name + b"\n"


def _parse_sums(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in data.split(b"\n")[:-1]:
        escaped = line.startswith(b"\\")
        digest, gap, name = line[escaped:].partition(b"  ")
        if escaped:
            parts = name.split(b"\\\\")
            name = b"\\".join(part.replace(b"\\n", b"\n").replace(b"\\r", b"\r") for part in parts)
        try:
            yield name, bytes.fromhex(digest.decode("ascii"))
        except ValueError as error:
            raise PackageDamaged(f"{SUMS.decode()} has a line that cannot be read: {line[:100]!r}.") from error
        if not gap:
            raise PackageDamaged(f"{SUMS.decode()} has a line without a name: {line[:100]!r}.")


def open_package(
    path: Path,
    *,
    passphrase: PassphraseSource = read_passphrase,
    ours: bool = False,
    progress: Progress | None = None,
) -> Package:
    """Read a package to its end and check everything; writes nothing. `passphrase` is asked for an encrypted one.
    `ours` says that this process has just written it.

    Raises `PackageRefused`, `PackageDamaged` or `PackageLocked`, which name what is wrong, `ManifestInvalid`, and what
    keeps the passphrase from being read.
    """
    return read_through(open_file(path, passphrase, ours=ours), None, progress=progress)


def read_through(
    file: PackageFile, sink: Callable[[Member, Reader], Reader] | None, *, progress: Progress | None
) -> Package:
    """Read a package to its end and check everything. `sink` is shown every member, and may put a reader of its own
    between the content and the check.
    """
    checker = _Checker()
    manifest = sums = b""
    total = Tally()
    roots: dict[str, Tally] = {}
    with _opened(file) as tar:
        for member in tar.members():
            checker.meet(member)
            total = total.plus(member)
            _count_root(roots, member)
            reader = sink(member, tar) if sink is not None else tar
            if member.is_folder:
                continue
            keep = member.name in _KEPT
            if keep and member.size > _KEPT[member.name]:
                raise PackageRefused(f"{member.shown!r} has {member.size} bytes; no package has that.")
            digest, content = _consume(reader, keep=keep)
            if member.name == SUMS:
                sums = content
                continue
            checker.hashed(member.name, digest)
            if keep:
                manifest = content
            if progress is not None:
                progress(total.files, total.bytes)
    if not sums:
        raise PackageDamaged(
            f"The package {file.path} has no {SUMS.decode()} at its end; it was not written to its end."
        )
    checker.compare(sums)
    return Package(file, decode(manifest), total, roots)


def _count_root(roots: dict[str, Tally], member: Member) -> None:
    parts = member.name.split(b"/", 2)
    if parts[0] == b"files" and len(parts) > 1:
        name = os.fsdecode(parts[1])
        roots[name] = roots.get(name, Tally()).plus(member) if len(parts) > 2 else Tally()


def _consume(reader: Reader, *, keep: bool) -> tuple[bytes, bytes]:
    digest = hashlib.sha256()
    kept = bytearray()
    while piece := reader.read(_PIECE):
        digest.update(piece)
        if keep:
            kept += piece
    return digest.digest(), bytes(kept)


def verify_package(
    path: Path,
    *,
    staging: Path | None = None,
    passphrase: PassphraseSource = read_passphrase,
    ours: bool = False,
    progress: Progress | None = None,
) -> list[str]:
    """What is wrong with a package; empty if nothing is. Dumps are read to their end as `verify_captured` does.

    Raises `PackageLocked` for a wrong passphrase, which proves no damage, and what keeps it from being read.
    """
    try:
        package = open_package(path, passphrase=passphrase, ours=ours, progress=progress)
    except PackageLocked:
        raise
    except PackageRefused as error:
        return [str(error)]
    findings = [
        finding for record in package.manifest.databases for finding in verify_database(package, record, staging)
    ]
    for root in package.manifest.files:
        if root.name not in package.roots:
            findings.append(f"files/{root.name}: the manifest lists it, but it is not in the package")
    return findings
