"""The record `config`: version, identity and chunker polynomial of a repository."""

from __future__ import annotations

import os
import re

import msgspec

from strongroom.errors import Damaged, UnsupportedRepository
from strongroom.format.go_text import encode_json
from strongroom.format.records import decode_record
from strongroom.ids import is_storage_name

VERSION = 2
_DEGREE = 53


class Config(msgspec.Struct, frozen=True):
    """`id` is 64 hex digits and names client caches; the polynomial is hex and serves restic's own chunker."""

    version: int
    id: str
    chunker_polynomial: str
    append_only: bool | None = None
    """A field of rustic's. We respect it: nothing is removed from such a repository."""
    is_hot: bool | None = None
    """A field of rustic's: a repository without data packs."""

    @classmethod
    def generate(cls) -> Config:
        """Return a config with a new random id and polynomial."""
        return cls(version=VERSION, id=os.urandom(32).hex(), chunker_polynomial=f"{random_polynomial():x}")


class _Written(msgspec.Struct):
    version: int
    id: str
    chunker_polynomial: str


_decoder = msgspec.json.Decoder(Config)


def encode_config(config: Config) -> bytes:
    """Return the JSON of a new repository's config. It is sealed, but never compressed."""
    return encode_json(_Written(config.version, config.id, config.chunker_polynomial))


def decode_config(text: bytes) -> Config:
    """Decode a config. Raises Damaged, or UnsupportedRepository for an unknown version or kind."""
    config = decode_record(_decoder, text, "config")
    if config.version not in (1, 2):
        raise UnsupportedRepository(
            f"The repository has format version {config.version}, but this engine reads 1 and 2. Use a newer release."
        )
    if config.is_hot:
        raise UnsupportedRepository(
            "The repository is the hot part of a hot/cold pair and holds no data. Open the cold part."
        )
    if not is_storage_name(config.id):
        raise Damaged("The repository's config has no valid id.")
    if not re.fullmatch(r"[0-9a-f]{1,16}", config.chunker_polynomial) or not is_irreducible(
        int(config.chunker_polynomial, 16)
    ):
        raise Damaged("The repository's config has a chunker polynomial that is not irreducible.")
    return config


def random_polynomial() -> int:
    """Return an irreducible polynomial over GF(2) as a bit mask, of degree 53, the only one that restic supports."""
    while True:
        candidate = int.from_bytes(os.urandom(7), "little") & ((1 << _DEGREE) - 1) | (1 << _DEGREE) | 1
        if is_irreducible(candidate):
            return candidate


def is_irreducible(polynomial: int) -> bool:
    """Return whether a polynomial over GF(2) is irreducible, by Ben-Or's test."""
    degree = polynomial.bit_length() - 1
    if degree < 1:
        return False
    power = 2
    for _ in range(degree // 2):
        power = _multiply(power, power, polynomial)
        if _gcd(polynomial, power ^ 2) != 1:
            return False
    return True


def _multiply(left: int, right: int, modulus: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        right >>= 1
    return _remainder(product, modulus)


def _remainder(value: int, modulus: int) -> int:
    length = modulus.bit_length()
    while value.bit_length() >= length:
        value ^= modulus << (value.bit_length() - length)
    return value


def _gcd(left: int, right: int) -> int:
    while right:
        left, right = right, _remainder(left, right)
    return left
