"""The tar format of packages: only files and folders, with POSIX extended headers. The reader is strict.

The input is treated as hostile. Links, devices and other kinds, unsafe names, large headers and wrong checksums are
refused, with the name of the member.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages import tar_header
from strongroom.packages.tar_header import Header

BLOCK: Final = 512
MAX_EXTENDED: Final = 64 * 1024
MAX_NAME: Final = 4096
MAX_DEPTH: Final = 128
END: Final = bytes(2 * BLOCK)
_UNSAFE: Final = frozenset({b"", b".", b".."})
_MOST_OWNERS: Final = 2**32 - 2
_PIECE: Final = 1 << 20
_KINDS: Final = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
}


class Source(Protocol):
    """A stream of uncompressed bytes."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Member:
    """A file or a folder in a package. Times are nanoseconds since the epoch."""

    name: bytes
    is_folder: bool
    size: int
    mode: int
    mtime_ns: int
    uid: int = 0
    gid: int = 0

    @property
    def shown(self) -> str:
        """Return the name for messages."""
        return shown(self.name)


def shown(name: bytes) -> str:
    """Return a name for messages."""
    return os.fsdecode(name).encode("utf-8", "backslashreplace").decode()


def header_of(member: Member) -> Header:
    """Return the header blocks of a member."""
    return Header(
        tar_header.FOLDER if member.is_folder else tar_header.FILE,
        member.name + b"/" if member.is_folder else member.name,
        size=member.size,
        mode=member.mode & 0o777,
        uid=member.uid,
        gid=member.gid,
        mtime_ns=member.mtime_ns,
    )


def encode_header(member: Member) -> bytes:
    """Return the header blocks of a member as bytes."""
    return header_of(member).encode()


def padding(size: int) -> bytes:
    """Return the padding after `size` bytes of content."""
    return bytes(-size % BLOCK)


class TarReader:
    """Read members in order. Read the content of a member before the next member."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = 0
        self._padding = 0
        self._name = b""

    def members(self) -> Iterator[Member]:
        """Yield every member in order. Raises `PackageRefused` and `PackageDamaged`, which name the member."""
        while True:
            self._skip()
            header = self._exactly(BLOCK)
            if header == bytes(BLOCK):
                self._require_end()
                return
            extended: dict[str, bytes] = {}
            if header[156:157] == b"x":
                self._check(header)
                size = _octal(header[124:136], b"an extended header")
                if size > MAX_EXTENDED:
                    raise PackageRefused(
                        f"An extended header after {self._current} has {size} bytes, more than {MAX_EXTENDED}."
                    )
                extended = _extended(self._exactly(size), self._current)
                self._exactly(-size % BLOCK)
                header = self._exactly(BLOCK)
            self._check(header)
            member = _member(header, extended)
            self._name = member.name
            self._left, self._padding = member.size, -member.size % BLOCK
            yield member

    @property
    def _current(self) -> str:
        return shown(self._name) if self._name else "its beginning"

    def read(self, size: int, /) -> bytes:
        """Return content of the current member; b"" at its end."""
        if not self._left:
            return b""
        wanted = min(size, self._left, _PIECE)
        data = self._exactly(wanted)
        self._left -= wanted
        return data

    def close(self) -> None:
        """Do nothing: the caller closes the source."""

    def _skip(self) -> None:
        while self._left:
            self.read(_PIECE)
        self._exactly(self._padding)
        self._padding = 0

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        while len(data) < size:
            piece = self._source.read(size - len(data))
            if not piece:
                raise PackageDamaged(f"The package is incomplete: it ends at {self._current}. Copy it again.")
            data += piece
        return data

    def _check(self, header: bytes) -> None:
        stated = _octal(header[148:156], b"the sum of a header")
        if stated != 256 + sum(header[:148]) + sum(header[156:]) or header[257:262] != b"ustar":
            raise PackageDamaged(f"The header after {self._current} is damaged. Copy the package again.")

    def _require_end(self) -> None:
        while piece := self._source.read(_PIECE):
            if piece.strip(b"\0"):
                raise PackageRefused("Data follows the end of the package, so it was changed. Use another copy.")


def _extended(data: bytes, after: str) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    while data:
        length_text, _, rest = data.partition(b" ")
        if not length_text.isdigit() or len(length_text) > 6 or not 0 < int(length_text) <= len(data):
            raise PackageDamaged(f"An extended header after {after} is damaged. Copy the package again.")
        record, data = rest[: int(length_text) - len(length_text) - 1], data[int(length_text) :]
        key, _, value = record.removesuffix(b"\n").partition(b"=")
        records[key.decode("ascii", "replace")] = value
    unknown = set(records) - {"path", "size", "mtime", "hdrcharset", "uid", "gid"}
    if unknown:
        raise PackageRefused(f"An extended header after {after} has the unknown record {sorted(unknown)[0]!r}.")
    return records


def _member(header: bytes, extended: dict[str, bytes]) -> Member:
    name = header[:100].rstrip(b"\0")
    prefix = header[345:500].rstrip(b"\0")
    name = extended.get("path", prefix + b"/" + name if prefix else name)
    kind = header[156:157]
    if kind not in {b"0", b"\0", b"5"}:
        raise PackageRefused(
            f"{shown(name)!r} is {_KINDS.get(kind, 'of an unknown kind')}. A package has only files and folders."
        )
    is_folder = kind == b"5"
    name = name.removesuffix(b"/") if is_folder else name
    require_safe(name)
    size = _number(extended["size"], name) if "size" in extended else _octal(header[124:136], name)
    if is_folder and size:
        raise PackageRefused(f"{shown(name)!r} is a folder with content, which is invalid.")
    return Member(
        name=name,
        is_folder=is_folder,
        size=size,
        mode=_octal(header[100:108], name) & 0o777,
        mtime_ns=_nanoseconds(extended["mtime"], name)
        if "mtime" in extended
        else _octal(header[136:148], name) * 1_000_000_000,
        uid=_owner(extended.get("uid"), header[108:116], name),
        gid=_owner(extended.get("gid"), header[116:124], name),
    )


def _owner(extended: bytes | None, digits: bytes, name: bytes) -> int:
    number = _octal(digits, name) if extended is None else _number(extended, name)
    if number > _MOST_OWNERS:
        raise PackageRefused(f"{shown(name)!r} has the impossible owner {number}.")
    return number


def require_safe(name: bytes) -> None:
    """Raise `PackageRefused` for a name that is too long, too deep, or leads outside of the folder."""
    parts = name.split(b"/")
    if len(name) > MAX_NAME or len(parts) > MAX_DEPTH:
        raise PackageRefused(f"The name {shown(name[:200])!r}… is too long or too deep for a package.")
    if b"\0" in name or not _UNSAFE.isdisjoint(parts):
        raise PackageRefused(f"The name {shown(name)!r} would lead outside of the folder. Do not trust the package.")


def _octal(digits: bytes, name: bytes) -> int:
    text = digits.rstrip(b" \0")
    # int() would accept signs and underscores, too.
    if text.translate(None, b"01234567"):
        raise PackageDamaged(f"The number {digits!r} of {shown(name)!r} is invalid. Copy the package again.")
    return int(text, 8) if text else 0


def _number(digits: bytes, name: bytes) -> int:
    if not digits.isdigit() or len(digits) > 18:
        raise PackageDamaged(f"The number {digits[:20]!r} of {shown(name)!r} is invalid. Copy the package again.")
    return int(digits)


def _nanoseconds(text: bytes, name: bytes) -> int:
    seconds, _, fraction = text.removeprefix(b"-").partition(b".")
    value = _number(seconds, name) * 10**9 + _number((fraction + b"000000000")[:9], name)
    return -value if text.startswith(b"-") else value
