"""Key files: the master key wrapped by a key derived from a passphrase."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import os
import threading

import msgspec

from strongroom.crypto import SealingKey
from strongroom.errors import Damaged
from strongroom.format.go_text import encode_json, parse_time
from strongroom.format.records import decode_record

_SALT_SIZE = 64
_MAX_MEMORY = 1 << 30
"""The maximum memory in bytes that a stored key may need for its derivation. restic's own keys need 32 to 64 MiB."""
_MAX_WORK = 1 << 27
"""The maximum N·r·p of a stored key: about a minute of work."""


_MOST_DERIVED = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """Parameters of scrypt."""

    n: int
    r: int
    p: int


DEFAULT_COST = Cost(n=1 << 15, r=8, p=5)
"""The strength of restic's own keys: 32 MiB and about 0.4 s."""


class KeyFile(msgspec.Struct, frozen=True):
    """The JSON of a key file; the only unencrypted file of a repository."""

    created: str
    username: str
    hostname: str
    kdf: str
    N: int
    r: int
    p: int
    salt: bytes
    data: bytes


class _Mac(msgspec.Struct):
    k: bytes
    r: bytes


class _Master(msgspec.Struct):
    mac: _Mac
    encrypt: bytes


_decoder = msgspec.json.Decoder(KeyFile)
_master_decoder = msgspec.json.Decoder(_Master)


class _DerivedKeys:
    """The last derived keys of this process: a restore opens its repository several times.

    They are found by a hash under a secret of the process, so that no passphrase stays in memory.
    """

    def __init__(self) -> None:
        self._secret = os.urandom(32)
        self._lock = threading.Lock()
        self._keys: collections.OrderedDict[bytes, SealingKey] = collections.OrderedDict()

    def get(self, passphrase: str, salt: bytes, cost: Cost) -> SealingKey:
        """Return the key, derived only if it is not among the last ones."""
        facts = b"%d %d %d %d " % (cost.n, cost.r, cost.p, len(salt))
        mark = hashlib.blake2b(facts + salt + passphrase.encode("utf-8"), key=self._secret).digest()
        with self._lock:
            known = self._keys.get(mark)
        if known is None:
            known = _scrypt(passphrase, salt, cost)
        with self._lock:
            self._keys[mark] = known
            self._keys.move_to_end(mark)
            while len(self._keys) > _MOST_DERIVED:
                self._keys.popitem(last=False)
        return known


_derived = _DerivedKeys()


def derive(passphrase: str, salt: bytes, cost: Cost) -> SealingKey:
    """Derive the key of a passphrase; fast if this process did so before."""
    return _derived.get(passphrase, salt, cost)


def _scrypt(passphrase: str, salt: bytes, cost: Cost) -> SealingKey:
    raw = hashlib.scrypt(
        passphrase.encode("utf-8"),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        maxmem=128 * cost.r * (cost.n + cost.p + 4) + (1 << 20),
        dklen=64,
    )
    return SealingKey(raw[:32], raw[32:48], raw[48:])


def encode_key(master: SealingKey, passphrase: str, *, created: str, username: str, hostname: str, cost: Cost) -> bytes:
    """Return a key file that opens to `master` with `passphrase`."""
    salt = os.urandom(_SALT_SIZE)
    text = encode_json(_Master(_Mac(master.mac_k, master.mac_r), master.encrypt))
    data = bytes(derive(passphrase, salt, cost).seal(text))
    return encode_json(KeyFile(created, username, hostname, "scrypt", cost.n, cost.r, cost.p, salt, data))


def decode_key(text: bytes) -> KeyFile:
    """Decode a key file. Raises Damaged, also for excessive scrypt parameters."""
    key = decode_record(_decoder, text, "key")
    if key.kdf != "scrypt":
        raise Damaged(f"A stored key uses the unknown key derivation {key.kdf!r}.")
    if len(key.salt) != _SALT_SIZE:
        raise Damaged(f"A stored key has a salt of {len(key.salt)} bytes instead of {_SALT_SIZE}.")
    if key.N < 2 or key.N & (key.N - 1) or key.r < 1 or key.p < 1:
        raise Damaged("A stored key has impossible scrypt parameters.")
    if 128 * key.N * key.r > _MAX_MEMORY or key.N * key.r * key.p > _MAX_WORK:
        raise Damaged(f"A stored key has excessive scrypt parameters (N={key.N} r={key.r} p={key.p}).")
    parse_time(key.created)
    return key


def open_key(key: KeyFile, passphrase: str) -> SealingKey:
    """Return the master key. Raises NotAuthentic for a wrong passphrase, Damaged for any other fault."""
    text = derive(passphrase, key.salt, Cost(key.N, key.r, key.p)).open(key.data)
    master = decode_record(_master_decoder, text, "master key")
    return SealingKey(master.encrypt, master.mac.k, master.mac.r)
