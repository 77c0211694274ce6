"""Encrypt a package with another passphrase: the same `.tar.gz`, encrypted again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from strongroom.durable_names import sync_folder
from strongroom.errors import PackageDamaged, PackageLocked
from strongroom.packages.openpgp import Encryptor
from strongroom.packages.package_file import message_passphrase, open_file
from strongroom.packages.write_errors import unwritable
from strongroom.packages.writer import measure_file, temporary_file
from strongroom.passphrase import Passphrase

_PIECE = 1 << 20


def opens_with(path: Path, passphrase: Passphrase) -> bool:
    """Return whether the passphrase opens the package; if it does, the whole package was verified.

    Raises `PackageRefused`.
    """
    try:
        open_file(path, lambda: passphrase)
    except PackageLocked:
        return False
    return True


def reencrypt(path: Path, *, old: Passphrase, new: Passphrase, tick: Callable[[], None]) -> tuple[int, str]:
    """Encrypt a package with `new` instead of `old`, and replace the file atomically. Return its size and SHA-256.

    The new file is verified before it replaces the old one. A crash leaves the old file or the new one. Raises
    `PackageLocked` if `old` does not open it, `PackageDamaged`, `PackageRefused`.
    """
    source = open_file(path, lambda: old)
    try:
        with temporary_file(path) as (temporary, file):
            encryptor = Encryptor(file, message_passphrase(new))
            with source.open() as content:
                given = hashlib.sha256()
                while piece := content.read(_PIECE):
                    given.update(piece)
                    encryptor.write(piece)
                    tick()
            encryptor.finish()
            file.flush()
            os.fsync(file.fileno())
            with open_file(temporary, lambda: new).open() as content:
                found = hashlib.sha256()
                while piece := content.read(_PIECE):
                    found.update(piece)
                    tick()
            if found.digest() != given.digest():
                raise PackageDamaged(
                    f"Cannot encrypt {path} again: the new file differs from the old one. The old file stays. Check the"
                    " disk and try again."
                )
            temporary.chmod(path.stat().st_mode & 0o777)
            size, sha256 = measure_file(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error, "the old file stays") from error
    return size, sha256
