"""The record `documents.jsonl` in a snapshot: the title of each file that a row of the databases names.

It is JSON Lines in UTF-8, sorted by path. A reader ignores fields that it does not know, and refuses a longer line.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator
from typing import Final

import msgspec

from ..errors import BackupError

NAME: Final = "documents.jsonl"
MAX_LINE: Final = 64 * 1024
_LINES: Final = 256
"""Lines in a piece: most of them are short."""


class TitlesInvalid(BackupError):
    """The record of titles is damaged or was not written by this software."""


class TitledFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file with the title of its document.

    `path` is the path in the snapshot as `core.paths` writes it, `field` the column that names the file, `date` a date
    or timestamp in ISO 8601, or "".
    """

    path: str
    field: str
    title: str
    date: str = ""


def encode_lines(files: Iterable[TitledFile]) -> Generator[bytes, None, None]:
    """Yield the lines of the record in pieces."""
    encoder, rest = msgspec.json.Encoder(), iter(files)
    while some := list(itertools.islice(rest, _LINES)):
        yield encoder.encode_lines(some)


def decode_lines(pieces: Iterable[bytes]) -> Iterator[TitledFile]:
    """Yield the files of a record that comes in pieces. Raises `TitlesInvalid`."""
    decoder = msgspec.json.Decoder(TitledFile)
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE:
            raise TitlesInvalid(f"{NAME} has a line of more than {MAX_LINE} bytes. It is damaged.")
        yield from (_decoded(decoder, line) for line in lines)
    if rest:
        raise TitlesInvalid(f"{NAME} ends in the middle of a line. Verify the backup.")


def _decoded(decoder: msgspec.json.Decoder[TitledFile], line: bytes) -> TitledFile:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TitlesInvalid(f"{NAME} is damaged or was not written by this software: {error}.") from error
