"""Opening of a repository in the middle of a change: one of two passphrases opens it."""

from __future__ import annotations

from pathlib import Path

from strongroom.backends import open_backend
from strongroom.errors import WrongPassphrase
from strongroom.passphrase import Passphrase
from strongroom.repository import Repository


def open_with_either(path: Path, one: Passphrase, other: Passphrase) -> Repository:
    """Open a repository with the first passphrase, or else with the second. Raises what the second raises."""
    try:
        return Repository.open(open_backend(path), one.reveal())
    except WrongPassphrase:
        return Repository.open(open_backend(path), other.reveal())
