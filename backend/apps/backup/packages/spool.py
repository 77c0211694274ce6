"""Bytes that wait beside the output until it is known how many they are."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_IN_MEMORY: Final = 8 * 1024 * 1024


class Spool:
    """Written once, then read once. What goes to the disk is encrypted under a key that dies with the process: a file
    without a name does, but its blocks do not, and an encrypted package must leave no plaintext on the disk it is for.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))  # noqa: SIM115  closed with the spool
        self._cipher = Cipher(AES(os.urandom(32)), CTR(bytes(16)))
        self._context: CipherContext = self._cipher.encryptor()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self._file.write(self._context.update(data))
        self.size += len(data)

    def rewind(self) -> None:
        """From here on it is read."""
        self._file.seek(0)
        self._context = self._cipher.decryptor()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; b"" at the end."""
        return self._context.update(self._file.read(size))

    def close(self) -> None:
        """Drop it."""
        self._file.close()
