"""Open package files, plain or encrypted, as sources of their `.tar.gz`. Only verified content is used.

A package is read to its end before any content is used, and each piece of the file is hashed. Later a piece is used
only if its hash is the same. OpenPGP authenticates a message only at its very end, so an encrypted file is first
decrypted to its end and the result dropped. No unverified data reaches a decompressor, tar or a database, and no
plaintext is written to a disk meanwhile. Only the hashes are kept: 8 MB for a package of 1 TB.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

from strongroom.errors import PackageDamaged, PackageLocked, PackageRefused
from strongroom.packages.openpgp import SessionKey, open_message, reopen_message
from strongroom.packages.openpgp_content import Content
from strongroom.packages.openpgp_packets import Source
from strongroom.passphrase import Passphrase

SEALED: Final = ".gpg"
PIECE: Final = 4 * 1024 * 1024
_CONTENT: Final = 1024 * 1024
_MOST_AHEAD: Final = 3
_DIGEST: Final = 32
_GZIP: Final = b"\x1f\x8b"

PassphraseSource = Callable[[], Passphrase]
"""Returns the passphrase when one is needed; raises `PassphraseError`."""


@dataclass(frozen=True)
class PackageFile:
    """A package file. Each `open` gives its `.tar.gz` from the beginning.

    `key` is set for an encrypted file. `pieces` are the hashes of the verified file: a changed file is refused. None
    means that the file was not read to its end yet.
    """

    path: Path
    size: int
    key: SessionKey | None = None
    pieces: bytes | None = field(default=None, repr=False)

    @contextlib.contextmanager
    def open(self, *, hashes: bytearray | None = None) -> Iterator[Source]:
        """Give the `.tar.gz` from its beginning. The hashes of its pieces are added to `hashes`.

        Raises `PackageRefused`.
        """
        where = _where(self.path)
        with _opened(self.path) as file:
            pieces = _Pieces(file, where, hashes=bytearray() if hashes is None else hashes, verified=self.pieces)
            if self.key is None:
                ahead = _ReadAhead(pieces, PIECE)
            else:
                ahead = _ReadAhead(Content(reopen_message(pieces, where, key=self.key), where), _CONTENT)
            with contextlib.closing(ahead):
                yield ahead

    def verified(self, hashes: bytes) -> PackageFile:
        """Return the same file with the hashes of its verified pieces."""
        return replace(self, pieces=hashes)


def open_file(path: Path, passphrase: PassphraseSource, *, ours: bool = False) -> PackageFile:
    """Open the package file at `path`. An encrypted file is verified to its last byte.

    `ours` is for a file that this process has just written: its content is trusted and verified while it is read, in
    one pass. A file whose name ends in .gpg must be encrypted, so that a plain file cannot replace it unnoticed.
    Raises `PackageLocked` for a wrong passphrase, `PackageDamaged`, `PackageRefused`, and the errors of `passphrase`.
    """
    where = _where(path)
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        first = _read(file, 2, where)
        if path.suffix != SEALED and first[:1] < b"\x80":
            return PackageFile(path, size)
        if first == _GZIP:
            raise PackageRefused(f"{where} is not encrypted, although its name ends in {SEALED}. Do not trust it.")
        if first[:1] < b"\x80":
            raise PackageDamaged(f"{where} is not a binary OpenPGP message. Copy it again.")
        file.seek(0)
        pieces = _Pieces(file, where, hashes=bytearray())
        with contextlib.closing(_ReadAhead(pieces, PIECE)) as ahead:
            message = open_message(ahead, where, passphrase=message_passphrase(passphrase()))
            if not ours:
                message.verify()
        return PackageFile(path, size, message.key, None if ours else bytes(pieces.hashes))


def head_opens_with(path: Path, passphrase: Passphrase) -> bool:
    """Return whether the passphrase opens the head of an encrypted package. The rest is not read.

    One of 16 million wrong passphrases seems to open it. Raises `PackageRefused`.
    """
    where = _where(path)
    with _opened(path) as file:
        pieces = _Pieces(file, where, hashes=bytearray())
        try:
            open_message(pieces, where, passphrase=message_passphrase(passphrase))
        except PackageLocked:
            return False
    return True


def message_passphrase(passphrase: Passphrase) -> bytes:
    """Return the passphrase in UTF-8, as gpg reads it from the first line of a file.

    Raises `PackageRefused` for a passphrase that gpg cannot read.
    """
    text = passphrase.reveal()
    if "\n" in text or "\0" in text:
        raise PackageRefused(
            f"The passphrase from {passphrase.source} has more than one line or a NUL character, which gpg cannot read."
            " Packages need a passphrase of one line."
        )
    try:
        return text.encode()
    except UnicodeEncodeError:
        # The error itself would quote the text.
        raise PackageRefused(
            f"The passphrase from {passphrase.source} is not valid UTF-8. Packages need one in UTF-8."
        ) from None


class _Pieces:
    """Read a file in pieces. Each piece is hashed, and compared with its `verified` hash, before it is returned."""

    def __init__(self, file: IO[bytes], where: str, *, hashes: bytearray, verified: bytes | None = None) -> None:
        self.hashes = hashes
        self._file = file
        self._where = where
        self._verified = verified
        self._piece = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        if not self._piece:
            self._piece = memoryview(self._next())
        data = bytes(self._piece[:size])
        self._piece = self._piece[size:]
        return data

    def _next(self) -> bytes:
        piece = _read(self._file, PIECE, self._where)
        digest = hashlib.sha256(piece).digest() if piece else b""
        # At the end the digest is empty, and no verified hash may be left.
        if self._verified is not None and self._verified[len(self.hashes) : len(self.hashes) + _DIGEST] != digest:
            raise PackageRefused(f"{self._where} has changed while it was read. Start again.")
        self.hashes += digest
        return piece


class _ReadAhead:
    """Read a source ahead of its reader, in a separate thread: AES and SHA work outside the GIL."""

    def __init__(self, source: Source, size: int) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="package")
        self._source = source
        self._size = size
        self._pending = collections.deque(self._begin() for _ in range(_MOST_AHEAD))
        self._piece = memoryview(b"")

    def _begin(self) -> concurrent.futures.Future[bytes]:
        return self._pool.submit(self._source.read, self._size)

    def read(self, size: int, /) -> bytes:
        if not self._piece:
            self._piece = memoryview(self._pending.popleft().result())
            self._pending.append(self._begin())
        data = bytes(self._piece[:size])
        self._piece = self._piece[size:]
        return data

    def close(self) -> None:
        """Stop reading. Waits for the running read."""
        self._pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        # Before the file is opened: opening a pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise PackageRefused(f"Cannot open the package {path}: it is not a regular file.")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise PackageRefused(f"There is no package {path}. Check the path.") from error
    except PermissionError as error:
        raise PackageRefused(f"Cannot read the package {path}: permission denied. Check its mode and owner.") from error
    except OSError as error:
        raise PackageRefused(f"Cannot open the package {path}: {error.strerror}.") from error
    with file:
        yield file


def _read(file: IO[bytes], size: int, where: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise PackageRefused(
            f"{where} cannot be read: {error.strerror}. Check the disk, or copy the package again."
        ) from error


def _where(path: Path) -> str:
    return f"The package {path}"
