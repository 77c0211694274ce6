"""Sealed objects: AES-256-CTR with a Poly1305-AES tag. All encrypted data of a repository has this form.

nonce(16) || ciphertext || tag(16)
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from strongroom.errors import Damaged
from strongroom.streams import Buffer

NONCE_SIZE = 16
TAG_SIZE = 16
OVERHEAD = NONCE_SIZE + TAG_SIZE
_BLOCK = 16


class NotAuthentic(Damaged):
    """The authentication tag does not match: another key, or changed bytes."""


class SealingKey:
    """The three keys that seal and open: `encrypt` (AES-256), `mac_k` (AES-128) and `mac_r` (Poly1305).

    Safe to share between threads. The keys never appear in `repr`.
    """

    __slots__ = ("_cipher", "_mac_cipher", "encrypt", "mac_k", "mac_r")

    def __init__(self, encrypt: bytes, mac_k: bytes, mac_r: bytes) -> None:
        if (len(encrypt), len(mac_k), len(mac_r)) != (32, 16, 16):
            raise Damaged("The key has parts of the wrong length.")
        if not any(encrypt) or not any(mac_k) or not any(mac_r):
            raise Damaged("The key has a part that is all zero.")
        self.encrypt = encrypt
        self.mac_k = mac_k
        self.mac_r = mac_r
        self._cipher = algorithms.AES(encrypt)
        self._mac_cipher = algorithms.AES(mac_k)

    def __repr__(self) -> str:
        return "<SealingKey>"

    @classmethod
    def generate(cls) -> SealingKey:
        """Return a new random key."""
        return cls(os.urandom(32), os.urandom(16), os.urandom(16))

    def seal(self, plaintext: Buffer, nonce: bytes | None = None) -> bytearray:
        """Encrypt and authenticate. `nonce` is for test vectors only."""
        nonce = nonce or os.urandom(NONCE_SIZE)
        size = len(plaintext)
        # One buffer for the whole object: update_into writes in place and releases the GIL; update() would return a
        # copy that is copied again. It needs a block less one byte of spare space at the end.
        sealed = bytearray(NONCE_SIZE + size + TAG_SIZE)
        sealed[:NONCE_SIZE] = nonce
        with memoryview(sealed) as view:
            body = view[NONCE_SIZE:]
            Cipher(self._cipher, modes.CTR(nonce)).encryptor().update_into(plaintext, body)
            tag = Poly1305.generate_tag(self._one_time_key(nonce), body[:size])
            body[size:] = tag
            body.release()
        return sealed

    def open(self, sealed: Buffer) -> bytes:
        """Authenticate and decrypt. Raises NotAuthentic, or Damaged for bytes that are no sealed object."""
        if len(sealed) < OVERHEAD:
            raise Damaged(f"A sealed object has only {len(sealed)} bytes; at least {OVERHEAD} are needed.")
        view = memoryview(sealed)
        nonce = bytes(view[:NONCE_SIZE])
        if not any(nonce):
            raise Damaged("A sealed object has a nonce of zeros.")
        body = view[NONCE_SIZE:-TAG_SIZE]
        try:
            Poly1305.verify_tag(self._one_time_key(nonce), body, bytes(view[-TAG_SIZE:]))
        except InvalidSignature:
            raise NotAuthentic("A sealed object does not match its authentication tag.") from None
        plaintext = bytearray(len(body) + _BLOCK)
        size = Cipher(self._cipher, modes.CTR(nonce)).decryptor().update_into(body, plaintext)
        return bytes(memoryview(plaintext)[:size])

    def _one_time_key(self, nonce: bytes) -> bytes:
        return self.mac_r + Cipher(self._mac_cipher, modes.ECB()).encryptor().update(nonce)  # noqa: S305 Poly1305-AES is defined by one AES block
