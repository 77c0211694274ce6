r"""Convert file names to text without loss, for any encoding, database and terminal.

A POSIX file name can have any bytes but `/` and NUL. `as_text` keeps printable UTF-8 and writes every other byte, and
`%` itself, as `%XX`; `as_bytes` returns the exact bytes. So `caf\xe9.txt` in Latin-1 is `caf%E9.txt`.
"""

import os
import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote_to_bytes

_WILD = re.compile(r"[^\w-]+")
_MOST_WORDS = 100
# Controls, format characters (they can change the reading direction), surrogates, private, unassigned, line ends.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def as_text(name: bytes) -> str:
    """Return the name in percent notation, which can be printed and stored everywhere."""
    if name.isascii() and b"%" not in name and (text := name.decode("ascii")).isprintable():
        return text
    return "".join(_escaped(character) for character in name.decode("utf-8", "surrogateescape"))


def as_bytes(text: str) -> bytes:
    """Return the original bytes of a name from `as_text`."""
    return unquote_to_bytes(text)


def as_title(name: bytes, length: int) -> str:
    """Return a title of at most `length` characters, never empty, for a document with this file name."""
    stem = PurePosixPath(os.fsdecode(name)).stem
    return as_text(os.fsencode(stem)).strip()[:length] or "untitled"


def as_tame(text: str) -> str:
    """Return a safe suffix for a stored file name, from the file name in `text`.

    It has "-", the letters, digits, `-` and `_` of the name in at most 100 bytes, and a short plain extension. Without
    letters or digits only the extension, or nothing, is left.
    """
    path = PurePosixPath(text)
    ending = path.suffix.lower()
    if not (1 < len(ending) <= 10 and ending.isascii() and ending[1:].isalnum()):
        ending = ""
    words = _WILD.sub("_", unicodedata.normalize("NFC", path.stem if ending else path.name)).strip("_-")
    words = words.encode()[:_MOST_WORDS].decode("utf-8", "ignore")
    return f"{'-' if words else ''}{words}{ending}"


def _escaped(character: str) -> str:
    if character != "%" and unicodedata.category(character) not in UNPRINTABLE:
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
