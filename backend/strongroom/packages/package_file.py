"""Package files as sources of their `.tar.gz`, plain or encrypted. What is used is what was proved.

A package is read to its end before anything of it is used, while each piece of the file is hashed; from then on a piece
is taken only if it is the one that was proved. What OpenPGP encrypts is proved by a sum at its very end only: so an
encrypted file is decrypted to its end first, and the result thrown away. Nothing unproved reaches a decompressor, tar
or a database, and no plaintext lies on a disk meanwhile. The hashes are all that is kept: 8 MB for a package of 1 TB.
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
"""Asked for the passphrase when one is needed; raises `PassphraseError`."""


@dataclass(frozen=True)
class PackageFile:
    """A file that gives a `.tar.gz`, as often as it is opened.

    `key` is there for an encrypted one. `pieces` are the hashes of the file as it was when it was proved: from then on
    nothing else comes out of it. None says that it has not been read to its end yet.
    """

    path: Path
    size: int
    key: SessionKey | None = None
    pieces: bytes | None = field(default=None, repr=False)

    @contextlib.contextmanager
    def open(self, *, hashes: bytearray | None = None) -> Iterator[Source]:
        """The `.tar.gz` from its beginning. `hashes` takes those of what is read. Raises `PackageRefused`."""
        where = _where(self.path)
        with _opened(self.path) as file:
            pieces = _Pieces(file, where, hashes=bytearray() if hashes is None else hashes, proved=self.pieces)
            if self.key is None:
                ahead = _Ahead(pieces, PIECE)
            else:
                ahead = _Ahead(Content(reopen_message(pieces, where, key=self.key), where), _CONTENT)
            with contextlib.closing(ahead):
                yield ahead

    def proved(self, hashes: bytes) -> PackageFile:
        """The same file, of which nothing but this is taken any more."""
        return replace(self, pieces=hashes)


def open_file(path: Path, passphrase: PassphraseSource, *, ours: bool = False) -> PackageFile:
    """The package file at `path`; an encrypted one is proved, to its last byte.

    `ours` is for a file that this process has just written and nobody else has had: its content is no danger, and it is
    proved while it is read, in one pass. The name decides: one that ends in .gpg must be encrypted, so that nobody can
    pass off a plain file for it. Raises `PackageLocked` for a wrong passphrase, `PackageDamaged`, `PackageRefused`, and
    what `passphrase` raises.
    """
    where = _where(path)
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        first = _read(file, 2, where)
        if path.suffix != SEALED and first[:1] < b"\x80":
            return PackageFile(path, size)
        if first == _GZIP:
            raise PackageRefused(f"{where} is not encrypted, although its name ends in {SEALED}; do not trust it.")
        if first[:1] < b"\x80":
            raise PackageDamaged(f"{where} is no OpenPGP message in its binary form; fetch it again.")
        file.seek(0)
        pieces = _Pieces(file, where, hashes=bytearray())
        with contextlib.closing(_Ahead(pieces, PIECE)) as ahead:
            message = open_message(ahead, where, passphrase=message_passphrase(passphrase()))
            if not ours:
                message.prove()
        return PackageFile(path, size, message.key, None if ours else bytes(pieces.hashes))


def head_opens_with(path: Path, passphrase: Passphrase) -> bool:
    """Whether the head of an encrypted package decrypts with this passphrase; what follows it is not read.

    One of 16 million wrong passphrases seems to fit. Raises `PackageRefused`.
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
    """The bytes of which the key is made: the passphrase in UTF-8, as gpg takes it from the first line of a file.

    Raises `PackageRefused` for one that no gpg could be given.
    """
    text = passphrase.reveal()
    if "\n" in text or "\0" in text:
        raise PackageRefused(
            f"The passphrase from {passphrase.source} has more than one line or a NUL character, which gpg cannot be"
            " given; packages need a passphrase of one line."
        )
    try:
        return text.encode()
    except UnicodeEncodeError:
        # The error itself would quote the text.
        raise PackageRefused(
            f"The passphrase from {passphrase.source} is no valid UTF-8; packages need one that is."
        ) from None


class _Pieces:
    """A file in pieces that are hashed before anything of them is given away, and compared with what was `proved`."""

    def __init__(self, file: IO[bytes], where: str, *, hashes: bytearray, proved: bytes | None = None) -> None:
        self.hashes = hashes
        self._file = file
        self._where = where
        self._proved = proved
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
        # At the end the digest is empty, and so must be what is left of the proved ones.
        if self._proved is not None and self._proved[len(self.hashes) : len(self.hashes) + _DIGEST] != digest:
            raise PackageRefused(f"{self._where} has changed while it was read; start again.")
        self.hashes += digest
        return piece


class _Ahead:
    """A source that is read ahead of whoever uses it, in a thread of its own: AES and SHA work outside of the lock."""

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
        """Stop reading; waits for what has begun."""
        self._pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        # Before it is opened: a pipe would wait for somebody to write into it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise PackageRefused(f"{path} is no file; a package is one.")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise PackageRefused(f"There is no package {path}; check the path.") from error
    except PermissionError as error:
        raise PackageRefused(f"The package {path} may not be read; check its rights.") from error
    except OSError as error:
        raise PackageRefused(f"The package {path} cannot be opened: {error.strerror}.") from error
    with file:
        yield file


def _read(file: IO[bytes], size: int, where: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise PackageRefused(f"{where} cannot be read: {error.strerror}; check the disk, or fetch it again.") from error


def _where(path: Path) -> str:
    return f"The package {path}"
