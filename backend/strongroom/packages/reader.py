"""Read packages. The whole package is checked before any content is used.

The first pass reads everything and checks names, order, sizes and hashes, in constant memory. Later passes use only the
checked content: the file must be the same, piece by piece.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from isal import igzip
from isal.igzip_lib import IsalError

from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages.checksums import ChecksumList
from strongroom.packages.member_order import FILES, MANIFEST, SUMS, MemberOrder, place_of
from strongroom.packages.openpgp_packets import Source
from strongroom.packages.package_file import PackageFile, PassphraseSource, open_file
from strongroom.packages.tar_format import Member, TarReader
from strongroom.passphrase import read_passphrase
from strongroom.selection import Selection
from strongroom.streams import Reader

MAX_MANIFEST: Final = 64 * 1024 * 1024
MAX_ROOTS: Final = 10_000
FREE: Final = 1024**3
MOST_INFLATED: Final = 250
"""The maximum ratio after the first GiB of content. A higher ratio is a bomb."""

_PIECE: Final = 1 << 20
_NO_GZIP: Final = (gzip.BadGzipFile, EOFError, cast("type[Exception]", IsalError))

Progress = Callable[[int, int], None]
"""Called with the number of finished files and content bytes."""


@dataclass(frozen=True)
class Tally:
    """The number of files, folders and content bytes."""

    files: int = 0
    folders: int = 0
    bytes: int = 0

    def plus(self, member: Member) -> Tally:
        """Return the counts with one more member."""
        return Tally(self.files + (not member.is_folder), self.folders + member.is_folder, self.bytes + member.size)


@dataclass(frozen=True)
class Package:
    """A package that was read to its end and is intact.

    `manifest` is the content of manifest.json, `total` counts all members, `roots` counts each `files/<root>`.
    """

    file: PackageFile
    manifest: bytes
    total: Tally
    roots: Mapping[str, Tally]

    @property
    def path(self) -> Path:
        return self.file.path

    @contextlib.contextmanager
    def walk(self, *prefixes: bytes, leading: bool = False) -> Iterator[Iterator[tuple[Member, Reader]]]:
        """Give the members at or below the `prefixes` with their content, in order; without prefixes, all members.

        With `leading`, give the folders above them, too. One pass, which ends after the last of them. Read the content
        of a member before the next member. Every piece of the file is compared with the verified one before its content
        is used. Raises `PackageRefused` if the package has changed since it was opened.
        """
        with _opened(self.file) as tar:
            if prefixes:
                yield _below(tar, prefixes, leading=leading)
            else:
                yield ((member, tar) for member in tar.members())

    @contextlib.contextmanager
    def members(self, *prefixes: bytes) -> Iterator[Iterator[tuple[Member, Reader]]]:
        """Give only the files of `walk`."""
        with self.walk(*prefixes) as found:
            yield ((member, content) for member, content in found if not member.is_folder)

    @contextlib.contextmanager
    def open_member(self, path: str) -> Iterator[Reader]:
        """Give the content of one file. Raises `KeyError` if there is no file of that name."""
        name = os.fsencode(path)
        with self.members(name) as found:
            member, content = next(found, (None, None))
            if member is None or content is None or member.name != name:
                raise KeyError(path)
            yield content


def open_package(
    path: Path,
    *,
    passphrase: PassphraseSource = read_passphrase,
    ours: bool = False,
    progress: Progress | None = None,
    seen: Callable[[Member], None] | None = None,
) -> Package:
    """Read a package to its end and check everything.

    `passphrase` is called for an encrypted package, `seen` for each member that was read. `ours` is for a package that
    this process has just written. A long list of hashes is written, encrypted, to the system's temporary folder.
    Raises `PackageRefused`, `PackageDamaged` or `PackageLocked`, which name the fault, and the errors of `passphrase`.
    """
    file = open_file(path, passphrase, ours=ours)
    hashes = bytearray()
    with contextlib.closing(_FirstPass(file)) as reading, _opened(file, hashes=hashes) as tar:
        for member in tar.members():
            reading.check(member, tar)
            if seen is not None:
                seen(member)
            if progress is not None and not member.is_folder:
                progress(reading.total.files, reading.total.bytes)
    return reading.finish(bytes(hashes))


class _FirstPass:
    """Check all members of a package while it is read for the first time."""

    def __init__(self, file: PackageFile) -> None:
        self._file = file
        self._order = MemberOrder()
        self._sums = ChecksumList()
        self._manifest: bytes | None = None
        self._listed = False
        self._roots: dict[bytes, Tally] = {}
        self.total = Tally()

    def check(self, member: Member, content: Reader) -> None:
        """Read a member and check it. Raises `PackageRefused`."""
        self._order.check(member)
        self.total = self.total.plus(member)
        self._count_root(member)
        if member.is_folder:
            return
        if member.name == SUMS:
            self._sums.require(content)
            self._listed = True
        elif member.name == MANIFEST:
            if member.size > MAX_MANIFEST:
                raise PackageRefused(f"{member.shown!r} has {member.size} bytes, more than {MAX_MANIFEST}.")
            self._manifest = b"".join(iter(lambda: content.read(_PIECE), b""))
            self._sums.add(member.name, hashlib.sha256(self._manifest).digest())
        else:
            digest = hashlib.sha256()
            while piece := content.read(_PIECE):
                digest.update(piece)
            self._sums.add(member.name, digest.digest())

    def _count_root(self, member: Member) -> None:
        top, _, below = member.name.partition(b"/")
        if top != FILES or not below:
            return
        root, _, inside = below.partition(b"/")
        if root not in self._roots and len(self._roots) == MAX_ROOTS:
            raise PackageRefused(f"The package has more than {MAX_ROOTS} folders in {FILES.decode()}/, the maximum.")
        counted = self._roots.get(root, Tally())
        self._roots[root] = counted.plus(member) if inside else counted

    def finish(self, hashes: bytes) -> Package:
        """Return the package after it was read to its end."""
        if not self._listed:
            raise PackageDamaged(
                f"The package {self._file.path} is incomplete: it has no {SUMS.decode()} at its end. Copy it again."
            )
        if self._manifest is None:
            raise PackageDamaged(
                f"The package {self._file.path} has no {MANIFEST.decode()}: another program wrote it. Use another one."
            )
        roots = {os.fsdecode(name): tally for name, tally in self._roots.items()}
        return Package(self._file.verified(hashes), self._manifest, self.total, roots)

    def close(self) -> None:
        """Drop the list of hashes."""
        self._sums.close()


def _below(tar: TarReader, prefixes: Sequence[bytes], *, leading: bool) -> Iterator[tuple[Member, Reader]]:
    wanted = Selection(prefixes)
    last = max(place_of(prefix) for prefix in prefixes)
    for member in tar.members():
        if wanted.wants(member.name, folder=leading and member.is_folder):
            yield member, tar
        elif place_of(member.name) > last:
            return


@contextlib.contextmanager
def _opened(file: PackageFile, *, hashes: bytearray | None = None) -> Iterator[TarReader]:
    with (
        file.open(hashes=hashes) as source,
        io.BufferedReader(_Raw(source), _PIECE) as buffered,
        igzip.IGzipFile(fileobj=buffered) as stream,  # type: ignore[no-untyped-call]
    ):
        yield TarReader(_Inflated(stream, file))


class _Raw(io.RawIOBase):
    """A source as a raw file of the standard library."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Inflated:
    """The decompressed content, limited in size. Errors of the library become errors of the engine."""

    def __init__(self, stream: igzip.IGzipFile, file: PackageFile) -> None:
        self._stream = stream
        self._path = file.path
        self._given = 0
        self._most = max(FREE, MOST_INFLATED * file.size)

    def read(self, size: int, /) -> bytes:
        try:
            data = self._stream.read(size)
        except _NO_GZIP as error:
            raise PackageDamaged(
                f"The package {self._path} is damaged or not a .tar.gz ({error}). Copy it again, or use another one."
            ) from error
        self._given += len(data)
        if self._given > self._most:
            raise PackageRefused(
                f"The package {self._path} inflates to more than {MOST_INFLATED} times its size. It was made to fill a"
                " disk, or has gigabytes of the same byte; such content must be packed without compression."
            )
        return data
