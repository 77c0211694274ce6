"""An encrypted temporary buffer on the disk, for data whose length is not known yet."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from strongroom.packages.write_errors import unwritable
from strongroom.streams import Buffer

_IN_MEMORY: Final = 8 * 1024 * 1024


class Spool:
    """A buffer that is written once, then read once, in `folder` or the temporary folder of the system.

    The data on the disk is encrypted with a key in memory. A file without a name ends with its process, but its blocks
    stay on the disk, and an encrypted package must leave no plaintext there. Raises `PackageRefused` if the disk is
    full.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder))  # noqa: SIM115  closed with the spool
        self._cipher = Cipher(AES(os.urandom(32)), CTR(bytes(16)))
        self._context: CipherContext = self._cipher.encryptor()
        self.size = 0

    def write(self, data: Buffer, /) -> None:
        """Add bytes."""
        try:
            self._file.write(self._context.update(data))
        except OSError as error:
            raise unwritable(self._folder / "(a nameless file)", error, "nothing was left there") from error
        self.size += len(data)

    def rewind(self) -> None:
        """Begin to read."""
        try:
            # Seeking flushes the buffer of the file object.
            self._file.seek(0)
        except OSError as error:
            raise unwritable(self._folder / "(a nameless file)", error, "nothing was left there") from error
        self._context = self._cipher.decryptor()

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; b"" at the end."""
        return self._context.update(self._file.read(size))

    def close(self) -> None:
        """Drop the data."""
        self._file.close()
