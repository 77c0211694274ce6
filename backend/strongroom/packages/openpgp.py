"""OpenPGP messages with a passphrase, as streams in constant memory, compatible with `gpg --symmetric` and `gpg -d`.

The writer has one form: a random session key under the passphrase (AES-256, iterated and salted SHA-256 at the highest
count of the format), and one packet of data in AES-256-CFB with the SHA-1 of all content at its end (RFC 9580, version
1 of the encrypted and integrity protected packet). Every gpg since 1.4 opens it. The reader also accepts messages of
gpg: other SHA hashes of the passphrase, no separate session key, content compressed as ZIP or ZLIB. All else is refused
by name. docs/adr/0004 explains why this is not a library.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from strongroom.errors import PackageDamaged, PackageLocked, PackageRefused
from strongroom.packages.openpgp_packets import PART, Kind, Packet, PacketReader, PacketWriter, Source, encode_packet
from strongroom.streams import Buffer

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # before cryptography 47, where it moved
    from cryptography.hazmat.primitives.ciphers.modes import CFB

MOST_SESSIONS: Final = 8
"""The maximum number of passphrases of a message. To try one takes up to 65 MB of hashing, the format's maximum."""

HIGHEST_COUNT: Final = 0xFF
"""The count in the coding of the format: 65,011,712 bytes are hashed."""

_AES256: Final = 9
_ITERATED: Final = 3
_SHA256: Final = 8
_HASHES: Final = {2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_BLOCK: Final = 16
_START: Final = _BLOCK + 2
_MDC: Final = b"\xd3\x14"
_MDC_SIZE: Final = 22
_PIECE: Final = 1 << 20
_REFUSED: Final = {
    Kind.PUBLIC_KEY_SESSION: "is encrypted to a public key, not with a passphrase",
    Kind.UNPROTECTED: "is encrypted without protection against changes",
    Kind.ENCRYPTED_OCB: "is encrypted in the OCB mode of newer GnuPG",
}


class Sink(Protocol):
    """The destination of a message."""

    def write(self, data: Buffer, /) -> object: ...


class SessionKey:
    """The key of a message. Never shown in `repr`."""

    __slots__ = ("cipher",)

    def __init__(self, key: bytes) -> None:
        self.cipher = Cipher(AES(key), CFB(bytes(_BLOCK)))

    def __repr__(self) -> str:
        return "<SessionKey>"


class Encryptor:
    """Encrypt the written content as one message, which is complete only after `finish`.

    A lower `count` is for tests only.
    """

    def __init__(self, target: Sink, passphrase: bytes, *, count: int = HIGHEST_COUNT) -> None:
        key, salt = os.urandom(32), os.urandom(8)
        wrapping = SessionKey(_derive("sha256", salt, count, passphrase)).cipher.encryptor()
        head = bytes([4, _AES256, _ITERATED, _SHA256]) + salt + bytes([count])
        target.write(encode_packet(Kind.PASSPHRASE_SESSION, head + wrapping.update(bytes([_AES256]) + key)))
        self._cipher = SessionKey(key).cipher.encryptor()
        self._sealed = memoryview(bytearray(PART + _BLOCK))
        self._hash = hashlib.sha1(usedforsecurity=False)  # required by the format; encrypted with the content
        self._packet = PacketWriter(target.write, Kind.ENCRYPTED)
        self._packet.write(b"\x01")
        start = os.urandom(_BLOCK)
        self._encrypt(start + start[-2:])
        self._content = PacketWriter(self._encrypt, Kind.LITERAL)
        # Binary, without name and time: the package itself has both.
        self._content.write(b"b\0" + bytes(4))

    def write(self, data: Buffer) -> None:
        """Encrypt a piece of content."""
        self._content.write(data)

    def finish(self) -> None:
        """Write the rest of the content and its hash. The target stays open."""
        self._content.finish()
        self._encrypt(_MDC)
        self._encrypt(self._hash.digest())
        self._packet.finish()

    def _encrypt(self, data: Buffer) -> None:
        self._hash.update(data)
        self._packet.write(self._sealed[: self._cipher.update_into(data, self._sealed)])


def open_message(source: Source, where: str, *, passphrase: bytes) -> Decryption:
    """Begin to decrypt a message. Raises `PackageLocked` for a wrong passphrase, `PackageRefused` for other kinds."""
    reader = PacketReader(source, where)
    sessions, packet = _heads(reader)
    start = packet.exactly(_START)
    for session in sessions:
        key = _session_key(session, where, passphrase)
        if key is not None:
            decryption = Decryption(reader, packet, start, key)
            if decryption.fits:
                return decryption
    raise PackageLocked(
        f"{where} cannot be decrypted: wrong passphrase, or damaged at its beginning. Use the passphrase that it was"
        " encrypted with, or copy it again."
    )


def reopen_message(source: Source, where: str, *, key: SessionKey) -> Decryption:
    """Begin to decrypt a message with a known key."""
    reader = PacketReader(source, where)
    _, packet = _heads(reader)
    return Decryption(reader, packet, packet.exactly(_START), key)


def _heads(reader: PacketReader) -> tuple[list[bytes], Packet]:
    """Read the packets before the data. Return a session packet for each passphrase, and the packet of data."""
    sessions: list[bytes] = []
    while (packet := reader.next()) is not None:
        if packet.kind == Kind.ENCRYPTED and sessions:
            version = packet.exactly(1)[0]
            if version != 1:
                raise _refused(reader.where, f"is encrypted in version {version} of the format, which is not supported")
            return sessions, packet
        if packet.kind != Kind.PASSPHRASE_SESSION:
            reason = _REFUSED.get(Kind(packet.kind)) if packet.kind in _REFUSED else None
            raise _refused(reader.where, reason or f"is no encrypted message (it begins with packet {packet.kind})")
        if len(sessions) == MOST_SESSIONS:
            raise _refused(reader.where, f"has more than {MOST_SESSIONS} passphrases")
        sessions.append(packet.whole(256))
    raise PackageDamaged(f"{reader.where} ends before its content. Copy it again.")


def _session_key(session: bytes, where: str, passphrase: bytes) -> SessionKey | None:
    """Return the session key for a passphrase; None if the passphrase is certainly wrong."""
    version, cipher, method = session[:3] if len(session) >= 13 else b"\0\0\0"
    if version != 4 or method != _ITERATED:
        raise _refused(where, "has its passphrase in an unsupported form")
    if cipher != _AES256:
        raise _refused(where, f"is encrypted with another cipher than AES-256 (number {cipher})")
    name = _HASHES.get(session[3])
    if name is None:
        raise _refused(where, f"hashes its passphrase with an unsupported algorithm (number {session[3]})")
    derived = _derive(name, session[4:12], session[12], passphrase)
    wrapped = session[13:]
    if not wrapped:
        return SessionKey(derived)
    plain = SessionKey(derived).cipher.decryptor().update(wrapped)
    return SessionKey(plain[1:]) if len(plain) == 33 and plain[0] == _AES256 else None


def _derive(name: str, salt: bytes, count: int, passphrase: bytes) -> bytes:
    """Derive the AES-256 key of a passphrase, iterated and salted (RFC 9580, section 3.7.1.3)."""
    unit = salt + passphrase
    block = unit * (1 + (1 << 16) // len(unit))
    size = max((16 + (count & 15)) << ((count >> 4) + 6), len(unit))
    key = b""
    while len(key) < 32:
        digest = hashlib.new(name, bytes(len(key) // hashlib.new(name).digest_size))
        for _ in range(size // len(block)):
            digest.update(block)
        digest.update(block[: size % len(block)])
        key += digest.digest()
    return key[:32]


def _refused(where: str, reason: str) -> PackageRefused:
    return PackageRefused(f"{where} {reason}. Try to decrypt it with `gpg -d`, and use the resulting .tar.gz.")


class Decryption:
    """The decrypted packets of a message. `fits` is True if the key looks right, which is certain only at the end."""

    def __init__(self, reader: PacketReader, packet: Packet, start: bytes, key: SessionKey) -> None:
        self._reader = reader
        self._packet = packet
        self.key = key
        self._cipher = key.cipher.decryptor()
        plain = self._cipher.update(start)
        self.fits = plain[-2:] == plain[-4:-2]
        self._hash = hashlib.sha1(plain, usedforsecurity=False)
        # The last 22 bytes are the hash. Only the end of the data shows which they are, so 22 bytes are held back.
        self._buffer = memoryview(bytearray(_MDC_SIZE + _PIECE + _BLOCK))
        self._held = b""
        self._ready = memoryview(b"")
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes. b"" means that the message was read to its end and is authentic.

        Raises `PackageDamaged` if it is not authentic, `PackageRefused` if further data follows.
        """
        while not self._ready and not self._ended:
            self._fill()
        data = bytes(self._ready[:size])
        self._ready = self._ready[size:]
        return data

    def _fill(self) -> None:
        piece = self._packet.read(_PIECE)
        if not piece:
            self._require_authentic()
            self._ended = True
            return
        front = len(self._held)
        self._buffer[:front] = self._held
        size = front + self._cipher.update_into(piece, self._buffer[front:])
        fresh = max(size - _MDC_SIZE, 0)
        self._held = bytes(self._buffer[fresh:size])
        self._ready = self._buffer[:fresh]
        self._hash.update(self._ready)

    def _require_authentic(self) -> None:
        self._hash.update(_MDC)
        if not hmac.compare_digest(self._held, _MDC + self._hash.digest()):
            raise PackageDamaged(
                f"{self._reader.where} is damaged: its content does not match its hash. Copy it again, or use another"
                " package."
            )
        self._reader.require_end()

    def verify(self) -> None:
        """Read to the end, to verify the whole message."""
        while self.read(_PIECE):
            pass
