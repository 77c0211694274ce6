"""The stock GnuPG as the reference, and messages built here without the engine."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # before cryptography 47, where it moved
    from cryptography.hazmat.primitives.ciphers.modes import CFB

PASSPHRASE = b"correct horse battery staple"


class Gnupg:
    """gpg with a separate home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "passphrase").write_bytes(PASSPHRASE + b"\n")

    def run(self, *arguments: str, code: int = 0, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            [
                *("gpg", "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback"),
                *("--passphrase-file", str(self.home / "passphrase"), *arguments),
            ],
            env={"PATH": os.environ["PATH"], "GNUPGHOME": str(self.home)},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def decrypt(self, path: Path) -> bytes:
        return self.run("-d", str(path))


@pytest.fixture
def gpg() -> Iterator[Gnupg]:
    if not shutil.which("gpg"):
        pytest.skip("gnupg is not installed")
    # Not below tmp_path: the name of the agent's socket must be short.
    with tempfile.TemporaryDirectory(prefix="gpg-", ignore_cleanup_errors=True) as home:
        yield Gnupg(Path(home))
        environment = {"PATH": os.environ["PATH"], "GNUPGHOME": home}
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)


def packet(kind: int, body: bytes) -> bytes:
    return bytes([0xC0 | kind, 0xFF]) + len(body).to_bytes(4, "big") + body


def literal(content: bytes, *, mode: bytes = b"b") -> bytes:
    return packet(11, mode + b"\x04name" + bytes(4) + content)


def session(*, cipher: int = 9, method: int = 3, digest: int = 8, version: int = 4, count: int = 0) -> bytes:
    return packet(3, bytes([version, cipher, method, digest]) + b"saltsalt" + bytes([count]))


def data(packets: bytes, *, version: int = 1, mdc: bytes | None = None) -> bytes:
    """Return the data packet for the passphrase, whose derivation hashes 1024 bytes."""
    key = hashlib.sha256(((b"saltsalt" + PASSPHRASE) * 100)[:1024]).digest()
    plain = bytes(range(16)) + b"\x0e\x0f" + packets + b"\xd3\x14"
    plain += hashlib.sha1(plain).digest() if mdc is None else mdc
    encryptor = Cipher(AES(key), CFB(bytes(16))).encryptor()
    return packet(18, bytes([version]) + encryptor.update(plain))


def message(packets: bytes) -> bytes:
    return session() + data(packets)
