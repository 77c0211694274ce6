r"""File names as text, without loss: what a file was called survives any encoding, database and terminal.

A POSIX file name is any bytes but `/` and NUL. `as_text` keeps what is printable UTF-8 as it is and writes every other
byte, and `%` itself, as `%XX`; `as_bytes` gives the exact bytes back. So `caf\xe9.txt` in Latin-1 is `caf%E9.txt`.
"""

import os
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote_to_bytes

# Controls, format characters (they can turn the reading direction), surrogates, private and unassigned, line ends.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def as_text(name: bytes) -> str:
    """The name in percent notation, printable and storable everywhere."""
    if name.isascii() and b"%" not in name and (text := name.decode("ascii")).isprintable():
        return text
    return "".join(_escaped(character) for character in name.decode("utf-8", "surrogateescape"))


def as_bytes(text: str) -> bytes:
    """The bytes that `as_text` was given."""
    return unquote_to_bytes(text)


def as_title(name: bytes, length: int) -> str:
    """A title of at most `length` characters, never empty, for a document that came under this file name."""
    stem = PurePosixPath(os.fsdecode(name)).stem
    return as_text(os.fsencode(stem)).strip()[:length] or "untitled"


def _escaped(character: str) -> str:
    if character != "%" and unicodedata.category(character) not in UNPRINTABLE:
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
