"""The current passphrase of this process, and marks by which one passphrase is distinguished from another."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from typing import Final

from strongroom.passphrase import COMMAND, Passphrase, passphrase_source, read_passphrase

_READ_SECONDS: Final = 60.0
_MOST_MARKS: Final = 64
_COST: Final = 1 << 15
_BLOCK: Final = 8
_MEMORY: Final = 64 << 20
"""Parameters of scrypt: as slow as the keys of a repository, so that the catalogue does not make guessing easier."""

_salt = os.urandom(32)


def current_passphrase() -> Passphrase:
    """Return the passphrase. A program that prints it runs at most once a minute. Raises `PassphraseError`."""
    if passphrase_source() != COMMAND:
        return read_passphrase()
    with _guard:
        kept = _printed.get(os.environ[COMMAND])
    if kept is not None and time.monotonic() - kept[0] < _READ_SECONDS:
        return kept[1]
    passphrase = read_passphrase()
    with _guard:
        _printed.clear()
        _printed[os.environ[COMMAND]] = (time.monotonic(), passphrase)
    return passphrase


def fingerprint(passphrase: Passphrase) -> bytes:
    """Return a digest by which this process, and no other, recognises the same passphrase again."""
    return hmac.digest(_salt, passphrase.reveal().encode("utf-8", "surrogatepass"), "sha256")


def slow_digest(passphrase: Passphrase, salt: bytes) -> str:
    """Return a slow salted hash, which may be stored in the catalogue."""
    text = passphrase.reveal().encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=_COST, r=_BLOCK, p=1, maxmem=_MEMORY, dklen=32).hex()


def mark_of(passphrase: Passphrase, salt: bytes) -> str:
    """Return the salt and the slow hash with it as one text; computed once in a process."""
    key = (fingerprint(passphrase), salt)
    with _guard:
        known = _marks.get(key)
    if known is None:
        known = f"{salt.hex()}${slow_digest(passphrase, salt)}"
        with _guard:
            if len(_marks) >= _MOST_MARKS:
                _marks.clear()
            _marks[key] = known
    return known


_printed: dict[str, tuple[float, Passphrase]] = {}
_marks: dict[tuple[bytes, bytes], str] = {}
_guard = threading.Lock()
