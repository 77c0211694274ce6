"""OpenPGP streams: content round-trips, gpg opens it, and any change is detected."""

import io
import os
import subprocess
import sys
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.testing.gnupg import PASSPHRASE, data, literal, message, packet, session
from tests.engine.testing.restic import environment

from strongroom.errors import PackageDamaged, PackageLocked, PackageRefused
from strongroom.packages.openpgp import MOST_SESSIONS, Encryptor, open_message
from strongroom.packages.openpgp_content import FREE, Content
from strongroom.packages.openpgp_packets import PART, Kind, PacketReader, PacketWriter, encode_length, encode_packet

WHERE = "The package x"
CHEAP = 0


def encrypt(*pieces, count=CHEAP):
    target = io.BytesIO()
    encryptor = Encryptor(target, PASSPHRASE, count=count)
    for piece in pieces:
        encryptor.write(piece)
    encryptor.finish()
    return target.getvalue()


def decrypt(sealed, *, passphrase=PASSPHRASE, size=70_000):
    """Decrypt as packages do: verify first, then read."""
    open_message(io.BytesIO(sealed), WHERE, passphrase=passphrase).verify()
    return read(Content(open_message(io.BytesIO(sealed), WHERE, passphrase=passphrase), WHERE), size)


def read(source, size):
    pieces = []
    while piece := source.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


@given(length=st.integers(0, 2**32 - 1))
def test_every_length_round_trips(length):
    body = io.BytesIO(b"\xcb" + encode_length(length) + b"x")
    found = PacketReader(body, WHERE).next()
    if length:
        assert found.read(5) == b"x"
        if length > 1:
            with pytest.raises(PackageDamaged, match="is incomplete"):
                found.read(5)
    assert (found.kind, len(encode_length(length))) == (11, 1 if length < 192 else 2 if length < 8384 else 5)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.sampled_from([0, 1, 511, 512, 70_000, PART - 1, PART, PART + 1]), max_size=5),
    step=st.sampled_from([1000, 8192, PART, 3 * PART]),
)
def test_a_packet_of_unknown_length_round_trips(sizes, step):
    target = io.BytesIO()
    writer = PacketWriter(target.write, Kind.LITERAL)
    content = b""
    for number, size in enumerate(sizes):
        piece = bytes([number]) * size
        writer.write(piece)
        content += piece
    writer.finish()
    target.write(encode_packet(Kind.COMPRESSED, b"next"))
    target.seek(0)
    reader = PacketReader(target, WHERE)
    assert read(reader.next(), step) == content
    assert reader.next().whole(4) == b"next"
    assert reader.next() is None


@given(parts=st.lists(st.integers(9, 13), max_size=6), last=st.integers(0, 9000), step=st.integers(1, 20_000))
def test_parts_of_any_size_are_read(parts, last, step):
    body, content = bytearray(b"\xcb"), b""
    for number, bits in enumerate(parts):
        body += bytes([0xE0 | bits]) + bytes([number]) * (1 << bits)
        content += bytes([number]) * (1 << bits)
    body += encode_length(last) + b"z" * last
    reader = PacketReader(io.BytesIO(bytes(body)), WHERE)
    assert read(reader.next(), step) == content + b"z" * last
    reader.require_end()


@pytest.mark.parametrize("size", [0, 1, 3])
def test_lengths_in_the_old_form_are_read(size):
    body = bytes([0x80 | 11 << 2 | size]) + (b"" if size == 3 else (5).to_bytes(1 << size, "big")) + b"hello"
    assert read(PacketReader(io.BytesIO(body), WHERE).next(), 2) == b"hello"


@settings(max_examples=40, deadline=None)
@given(pieces=st.lists(st.binary(max_size=3000), max_size=8), step=st.integers(1, 5000))
def test_encrypted_content_round_trips(pieces, step):
    assert decrypt(encrypt(*pieces), size=step) == b"".join(pieces)


@settings(deadline=None)
@given(junk=st.binary(max_size=400))
def test_junk_is_refused(junk):
    for begin in (b"", session()):
        with pytest.raises(PackageRefused):
            decrypt(begin + junk)


@settings(deadline=None)
@given(junk=st.binary(max_size=400))
def test_encrypted_junk_is_refused(junk):
    for begin in (b"", packet(8, b"\x01" + junk), b"\xa3\x02"):
        with pytest.raises(PackageRefused):
            decrypt(message(begin + junk))


@pytest.mark.gpg
@pytest.mark.parametrize("size", [0, 1, 1000, PART - 6, PART, 2 * PART + 17])
def test_gpg_opens_our_messages(gpg, tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "x.gpg").write_bytes(encrypt(content, count=255))
    assert gpg.decrypt(tmp_path / "x.gpg") == content


@pytest.mark.gpg
@pytest.mark.parametrize("compressible", [True, False])
@pytest.mark.parametrize("options", [[], ["-z", "0"], ["--compress-algo", "zlib"], ["--s2k-digest-algo", "SHA512"]])
def test_messages_of_gpg_are_opened(gpg, tmp_path, options, compressible):
    content = b"ab" * 400_000 if compressible else os.urandom(800_000)
    (tmp_path / "x").write_bytes(content)
    common = ["--symmetric", "--cipher-algo", "AES256", *options]
    gpg.run(*common, "-o", str(tmp_path / "x.gpg"), str(tmp_path / "x"))
    assert decrypt((tmp_path / "x.gpg").read_bytes()) == content
    assert decrypt(gpg.run(*common, "-o", "-", stdin=content)) == content


@pytest.mark.gpg
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--symmetric", "--cipher-algo", "AES128"], r"another cipher than AES-256 \(number 7\)"),
        (["--symmetric", "--cipher-algo", "TWOFISH"], r"another cipher than AES-256 \(number 10\)"),
        (["--symmetric", "--s2k-digest-algo", "RIPEMD160"], r"unsupported algorithm \(number 3\)"),
        (["--symmetric", "--s2k-mode", "1"], "in an unsupported form"),
        (["--symmetric", "--s2k-mode", "0"], "in an unsupported form"),
        (["--symmetric", "--compress-algo", "bzip2"], r"compressed by gpg with an unsupported algorithm \(number 3\)"),
        (["--symmetric", "--armor"], "invalid data between its packets"),
        (["--store"], "no encrypted message"),
    ],
)
def test_other_messages_of_gpg_are_refused_by_name(gpg, options, said):
    cipher = [] if "--cipher-algo" in options else ["--cipher-algo", "AES256"]
    made = gpg.run(*cipher, *options, "-o", "-", stdin=b"ab" * 1000)
    with pytest.raises(PackageRefused, match=said):
        decrypt(made)


@pytest.mark.gpg
@pytest.mark.parametrize("also", [[], ["--symmetric"]])
def test_messages_to_a_public_key_are_refused_by_name(gpg, also):
    gpg.run("--quick-generate-key", "someone@example.org", "future-default", "default", "never")
    made = gpg.run("--encrypt", *also, "-r", "someone@example.org", "--trust-model", "always", stdin=b"x")
    with pytest.raises(PackageRefused, match="public key"):
        decrypt(made)


def test_a_hand_made_message_is_opened():
    assert decrypt(message(literal(b"hello"))) == b"hello"
    assert decrypt(message(packet(8, b"\x02" + zlib.compress(literal(b"hello"))))) == b"hello"


@pytest.mark.parametrize("algorithm", [1, 2])
@pytest.mark.parametrize("size", [7, 511, 70_000])
def test_output_held_back_by_the_decompressor_is_not_lost(algorithm, size):
    """Without a trailing checksum, the engine can read all input while output is still held back."""
    content = b"ab" * (size * 100)
    engine = zlib.compressobj(6, zlib.DEFLATED, {1: -15, 2: 15}[algorithm])
    packed = engine.compress(literal(content)) + engine.flush()
    assert decrypt(message(packet(8, bytes([algorithm]) + packed)), size=size) == content


OTHERS = {
    "OCB": (session() + packet(20, b"\x01" + bytes(100)), "OCB"),
    "AEAD": (session() + data(literal(b"x"), version=2), "version 2 of the format"),
    "unprotected": (session() + packet(9, bytes(100)), "without protection against changes"),
    "no data": (session(), "ends before its content"),
    "no passphrase": (data(literal(b"x")), "no encrypted message"),
    "newer passphrase": (session(version=5) + data(literal(b"x")), "in an unsupported form"),
    "argon2": (session(method=4) + data(literal(b"x")), "in an unsupported form"),
    "other cipher": (session(cipher=8) + data(literal(b"x")), "AES-256"),
    "large head": (packet(3, bytes(5000)) + data(literal(b"x")), "too large for its kind"),
    "short head": (packet(3, b"\x04\x09") + data(literal(b"x")), "in an unsupported form"),
    "too many passphrases": (session() * (MOST_SESSIONS + 1) + data(literal(b"x")), "more than 8 passphrases"),
    "tiny parts": (session() + b"\xd2\xe0\x01\xe0" + bytes(100), "parts of only 1 bytes"),
    "trailing packet": (message(literal(b"x")) + literal(b"y"), "after its end"),
    "trailing zeros": (message(literal(b"x")) + bytes(512), "after its end"),
    "second message": (message(literal(b"x")) * 2, "after its end"),
    "no sum": (session() + data(literal(b"x"), mdc=b""), "is damaged"),
    "wrong sum": (session() + data(literal(b"x"), mdc=bytes(20)), "is damaged"),
    "nothing inside": (message(b""), "does not contain exactly one binary file"),
    "text inside": (message(literal(b"x", mode=b"t")), "does not contain exactly one binary file"),
    "signed inside": (message(packet(4, bytes(13)) + literal(b"x")), "does not contain exactly one binary file"),
    "two files inside": (message(literal(b"x") * 2), "after its end"),
    "compressed twice": (
        message(packet(8, b"\x02" + zlib.compress(packet(8, b"\x02" + zlib.compress(literal(b"x")))))),
        "does not contain exactly one binary file",
    ),
    "two files compressed": (message(packet(8, b"\x02" + zlib.compress(literal(b"x") * 2))), "after its end"),
    "after the compressed": (
        message(packet(8, b"\x02" + zlib.compress(literal(b"x")) + b"y")),
        "follows its compressed",
    ),
    "compressed, cut": (
        message(packet(8, b"\x02" + zlib.compress(literal(b"x" * 99))[:-9])),
        "has incomplete compressed content",
    ),
    "compressed, torn": (message(packet(8, b"\x02" + b"\xff" * 50)), "has damaged compressed content"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_kinds_are_refused_by_name(other):
    made, said = OTHERS[other]
    with pytest.raises(PackageRefused, match=said):
        decrypt(made)


def test_a_bomb_is_refused_before_it_inflates():
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    size = 3 * FREE
    body = engine.compress(b"\xcb\xff" + (size + 6).to_bytes(4, "big") + b"b\0" + bytes(4))
    for _ in range(size // PART):
        body += engine.compress(bytes(PART))
    bomb = message(packet(8, b"\x01" + body + engine.flush()))
    assert len(bomb) < size / 500
    content = Content(open_message(io.BytesIO(bomb), WHERE, passphrase=PASSPHRASE), WHERE)
    taken = []
    with pytest.raises(PackageRefused, match="inflates"):
        taken.extend(len(piece) for piece in iter(lambda: content.read(PART), b""))
    assert sum(taken) <= FREE


def test_the_wrong_passphrase_is_named():
    for sealed in (encrypt(b"secret"), message(literal(b"secret"))):
        with pytest.raises(PackageLocked, match="wrong passphrase, or damaged") as caught:
            decrypt(sealed, passphrase=b"another")
        assert "another" not in repr(caught.value)


def test_the_key_is_not_shown():
    opened = open_message(io.BytesIO(encrypt(b"x")), WHERE, passphrase=PASSPHRASE)
    assert repr(opened.key) == "<SessionKey>"


def test_two_messages_of_the_same_content_differ():
    one, other = encrypt(b"the same"), encrypt(b"the same")
    assert len(one) == len(other)
    assert sum(a == b for a, b in zip(one, other, strict=True)) < len(one) / 2


def test_any_change_of_a_message_is_detected():
    for sealed in (encrypt(b"content " * 40), message(literal(b"content " * 40))):
        for length in range(len(sealed)):
            with pytest.raises(PackageRefused):
                decrypt(sealed[:length])
        for place in range(len(sealed)):
            for bit in range(8):
                changed = bytearray(sealed)
                changed[place] ^= 1 << bit
                with pytest.raises(PackageRefused):
                    decrypt(bytes(changed))


def test_damage_in_a_message_of_several_parts_is_detected_at_its_end():
    sealed = bytearray(encrypt(os.urandom(3 * PART)))
    sealed[len(sealed) // 2] ^= 1
    opened = open_message(io.BytesIO(bytes(sealed)), WHERE, passphrase=PASSPHRASE)
    taken = []
    with pytest.raises(PackageDamaged, match="does not match its hash"):
        taken.extend(len(piece) for piece in iter(lambda: opened.read(PART), b""))
    assert sum(taken) > 2 * PART


_PIPE = """
import sys
from pathlib import Path
from strongroom.packages.openpgp import Encryptor, open_message
from strongroom.packages.openpgp_content import Content
size = int(sys.argv[1])
with open(sys.argv[2], "wb") as file:
    encryptor = Encryptor(file, b"secret")
    for _ in range(size):
        encryptor.write(bytes(1 << 20))
    encryptor.finish()
with open(sys.argv[2], "rb") as file:
    open_message(file, "it", passphrase=b"secret").verify()
with open(sys.argv[2], "rb") as file:
    content = Content(open_message(file, "it", passphrase=b"secret"), "it")
    assert sum(len(piece) for piece in iter(lambda: content.read(1 << 20), b"")) == size << 20
# Not ru_maxrss: that of the parent lives on in it.
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def test_memory_does_not_grow_with_the_message(tmp_path):
    peaks = []
    for size in (8, 200):
        command = [sys.executable, "-c", _PIPE, str(size), str(tmp_path / "x")]
        peaks.append(int(subprocess.run(command, env=environment(), check=True, capture_output=True, text=True).stdout))
    assert peaks[1] - peaks[0] < 8 * 1024  # kilobytes
