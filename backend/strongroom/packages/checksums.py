"""`SHA256SUMS`: all files of a package with their hashes, in the format of `sha256sum -c`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from strongroom.errors import PackageDamaged
from strongroom.packages.member_order import SUMS, place_of
from strongroom.packages.openpgp_packets import Source
from strongroom.packages.spool import Spool
from strongroom.packages.tar_format import MAX_NAME, shown

_LONGEST: Final = 64 + 3 + 2 * MAX_NAME + 1
_PIECE: Final = 1 << 20


class ChecksumList:
    """The expected list, which grows while files are written or read. A long list is buffered in `folder`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.spool = Spool(folder)

    def add(self, name: bytes, digest: bytes) -> None:
        """Add the next file."""
        self.spool.write(encode_sum(name, digest))

    def require(self, listed: Source) -> None:
        """Compare with the list in a package. Raises `PackageDamaged`, which names the first wrong file."""
        self.spool.rewind()
        for expected, found in itertools.zip_longest(_lines(self.spool), _lines(listed), fillvalue=b""):
            if expected != found:
                raise _difference(expected, found)

    def close(self) -> None:
        """Drop the list."""
        self.spool.close()


def encode_sum(name: bytes, digest: bytes) -> bytes:
    """Return a line of the list. Line ends and backslashes in names are escaped as sha256sum does."""
    if b"\n" in name or b"\\" in name or b"\r" in name:
        escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        return b"\\" + digest.hex().encode() + b"  " + escaped + b"\n"
    return digest.hex().encode() + b"  " + name + b"\n"


def _lines(source: Source) -> Iterator[bytes]:
    rest = b""
    while piece := source.read(_PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > _LONGEST:
            raise _unreadable(rest)
    if rest:
        yield rest


def _difference(expected: bytes, found: bytes) -> PackageDamaged:
    present, absent = _name(expected), _name(found)
    if present == absent:
        return PackageDamaged(f"{shown(present)!r} is damaged: it does not match its listed hash. Use another package.")
    if not present or (absent and place_of(absent) < place_of(present)):
        return PackageDamaged(f"{shown(absent)!r} is in {SUMS.decode()}, but not in the package.")
    return PackageDamaged(f"{shown(present)!r} is in the package, but not in {SUMS.decode()}.")


def _name(line: bytes) -> bytes:
    """Return the name in a line; b"" for no line. Raises `PackageDamaged` for an unreadable line."""
    if not line:
        return b""
    escaped = line.startswith(b"\\")
    digest, gap, name = line[escaped:].partition(b"  ")
    if len(digest) != 64 or not gap or not name.endswith(b"\n") or name == b"\n":
        raise _unreadable(line)
    name = name[:-1]
    if escaped:
        parts = name.split(b"\\\\")
        name = b"\\".join(part.replace(b"\\n", b"\n").replace(b"\\r", b"\r") for part in parts)
    return name


def _unreadable(line: bytes) -> PackageDamaged:
    return PackageDamaged(f"{SUMS.decode()} has an unreadable line: {line[:100]!r}.")
