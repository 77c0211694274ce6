"""Sealed objects, compared with published test vectors."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.crypto import OVERHEAD, NotAuthentic, SealingKey
from strongroom.errors import Damaged
from strongroom.format.key import Cost, derive

KEY = SealingKey(bytes(range(32)), bytes(range(0x20, 0x30)), bytes(range(0x30, 0x40)))
NONCE = bytes(range(1, 17))


def test_a_sealed_object_of_restic_opens() -> None:
    key = SealingKey(
        bytes.fromhex("303e8687b1d7db18421bdc6bb8588ccadac4d59ee87b8ff70c44e635790cafef"),
        bytes.fromhex("ef4d8824cb80b2bcc5fbff8a9b12a42c"),
        bytes.fromhex("cc8d4b948ee0ebfe1d415de921d10353"),
    )
    sealed = bytes.fromhex(
        "69fb41c62d12def4593bd71757138606338f621aeaeb39da0fe4f99233f8037a54ea63338a813bcf3f75d8c3cc75dddf8750"
    )
    assert key.open(sealed) == b"Dies ist ein Test!"
    assert key.seal(b"Dies ist ein Test!", sealed[:16]) == sealed


def test_our_own_vector() -> None:
    sealed = bytes.fromhex("0102030405060708090a0b0c0d0e0f10f7ec45c4900c7b42a6193f4742c711a0610661")
    assert KEY.seal(b"abc", NONCE) == sealed
    assert KEY.open(sealed) == b"abc"


def test_poly1305_aes_of_the_paper() -> None:
    key = SealingKey(
        bytes([1] * 32),
        bytes.fromhex("ec074c835580741701425b623235add6"),
        bytes.fromhex("851fc40c3467ac0be05cc20404f3f700"),
    )
    nonce = bytes.fromhex("fb447350c4e868c52ac3275cf9d4327e")
    # The message of the paper is the ciphertext here, so its decryption is encrypted.
    stream = key.seal(bytes(2), nonce)[16:18]
    plain = bytes(a ^ b for a, b in zip(bytes.fromhex("f3f6"), stream, strict=True))
    assert key.seal(plain, nonce)[16:] == bytes.fromhex("f3f6" + "f4c633c3044fc145f84f335cb81953de")


def test_the_derivation_of_keys() -> None:
    key = derive("geheim", bytes(range(64)), Cost(1024, 8, 1))
    assert key.encrypt.hex() == "afd9918d07af99c41fe53ea3e2602702a2cc0f1d68f2c224f4f4bdff8a4bea38"
    assert key.mac_k.hex() == "e522565c84ab5b1070e2da80cfd4ef48"
    assert key.mac_r.hex() == "e369ce349fb98016146594b711346c99"


@given(st.binary(max_size=200_000))
def test_sealing_round_trips(plaintext: bytes) -> None:
    sealed = KEY.seal(plaintext)
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert KEY.open(sealed) == plaintext
    assert KEY.open(memoryview(sealed)) == plaintext


@given(st.binary(max_size=200), st.data())
def test_any_flipped_bit_is_refused(plaintext: bytes, data: st.DataObject) -> None:
    sealed = KEY.seal(plaintext)
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NotAuthentic):
        KEY.open(sealed)


@pytest.mark.parametrize("sealed", [b"", bytes(31), bytes(40)])
def test_an_invalid_sealed_object_is_damage(sealed: bytes) -> None:
    with pytest.raises(Damaged):
        KEY.open(sealed)


def test_nonces_differ_and_keys_are_not_shown() -> None:
    assert KEY.seal(b"x")[:16] != KEY.seal(b"x")[:16]
    assert "SealingKey" in repr(KEY)
    assert KEY.encrypt.hex() not in repr(KEY)


@pytest.mark.parametrize("parts", [(31, 16, 16), (32, 15, 16), (32, 16, 17)])
def test_keys_of_the_wrong_size_are_refused(parts: tuple[int, int, int]) -> None:
    with pytest.raises(Damaged):
        SealingKey(*(b"\x01" * size for size in parts))
    with pytest.raises(Damaged):
        SealingKey(bytes(32), bytes(16), bytes(16))


def test_a_key_is_derived_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever differs gives another key, and many others push the first one out."""
    derived = []
    real = hashlib.scrypt

    def counted(passphrase: bytes, **options: object) -> bytes:
        derived.append((passphrase, options["salt"], options["n"]))
        return real(passphrase, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "scrypt", counted)
    cheap, salt = Cost(2, 1, 1), os.urandom(64)
    keys = [derive("a", salt, cheap) for _ in range(5)]
    assert len(derived) == 1
    assert len({key.encrypt for key in keys}) == 1
    others = [derive("a", salt, Cost(4, 1, 1)), derive("a", salt[:-1] + b"b", cheap), derive("ba", salt[:-1], cheap)]
    assert len({key.encrypt for key in (keys[0], *others)}) == 4
    assert len(derived) == 4
    for number in range(16):
        derive(str(number), salt, cheap)
    derive("a", salt, cheap)
    assert len(derived) == 21
