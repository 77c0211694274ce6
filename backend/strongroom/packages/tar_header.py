"""Write the header blocks of tar: POSIX, with an extended header if a plain one is too small.

The bytes are those of Python's `tarfile`, but several times as fast: the length of a tar needs the lengths of all its
headers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FILE: Final = b"0"
LINK: Final = b"2"
FOLDER: Final = b"5"
_EXTENDED: Final = b"x"
_BLOCK: Final = 512
_NAME: Final = 100
_SECOND: Final = 1_000_000_000
_MOST_OWNER: Final = 8**7 - 1
_MOST: Final = 8**11 - 1


class Header(NamedTuple):
    """The header of one entry. The name of a folder ends in `/`; times are nanoseconds since the epoch."""

    kind: bytes
    name: bytes
    size: int
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    target: bytes = b""

    @property
    def length(self) -> int:
        """Return the number of bytes that `encode` returns."""
        extended = len(self._extended())
        return 2 * _BLOCK + extended + -extended % _BLOCK if extended else _BLOCK

    def encode(self) -> bytes:
        """Return the blocks."""
        extended = self._extended()
        block = _block(self)
        if not extended:
            return block
        head = _block(Header(_EXTENDED, b"././@PaxHeader", len(extended), 0, 0, 0, 0))
        return head + extended + bytes(-len(extended) % _BLOCK) + block

    def _extended(self) -> bytes:
        """Return the records of values that a plain header cannot hold."""
        is_plain_time = self.mtime_ns >= 0 and not self.mtime_ns % _SECOND
        records = [] if is_plain_time else [_record(b"mtime", _decimal(self.mtime_ns))]
        unfit = [
            (key, text)
            for key, text in ((b"path", self.name), (b"linkpath", self.target))
            if len(text) > _NAME or not text.isascii()
        ]
        records += [_record(key, text) for key, text in unfit]
        numbers = [(b"uid", self.uid, _MOST_OWNER), (b"gid", self.gid, _MOST_OWNER), (b"size", self.size, _MOST)]
        if is_plain_time:
            numbers.append((b"mtime", self.mtime_ns // _SECOND, _MOST))
        records += [_record(key, b"%d" % number) for key, number, most in numbers if number > most]
        if any(not _is_utf8(text) for _, text in unfit):
            records.insert(0, b"21 hdrcharset=BINARY\n")
        return b"".join(records)


def _block(header: Header) -> bytes:
    # A value that does not fit is 0 or truncated here, and is in the extended header.
    seconds = header.mtime_ns // _SECOND
    block = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0        %b%bustar\x0000" % (
        _short(header.name),
        header.mode,
        header.uid if header.uid <= _MOST_OWNER else 0,
        header.gid if header.gid <= _MOST_OWNER else 0,
        header.size if header.size <= _MOST else 0,
        seconds if 0 <= seconds <= _MOST else 0,
        header.kind,
        _short(header.target),
    )
    # The checksum: the sum of all bytes, with its own field as blanks.
    return b"%b%06o\0%b" % (block[:148], sum(block), (block[155:]).ljust(_BLOCK - 155, b"\0"))


def _short(text: bytes) -> bytes:
    if not text.isascii():
        text = text.decode("utf-8", "surrogateescape").encode("ascii", "replace")
    return text[:_NAME].ljust(_NAME, b"\0")


def _decimal(nanoseconds: int) -> bytes:
    sign, rest = (b"-", -nanoseconds) if nanoseconds < 0 else (b"", nanoseconds)
    return b"%b%d.%09d" % (sign, rest // _SECOND, rest % _SECOND)


def _record(key: bytes, value: bytes) -> bytes:
    """Return a record, which begins with its own length."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %b=%b\n" % (length, key, value)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
