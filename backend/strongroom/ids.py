"""Identifiers of the format, and the kinds of blobs and files."""

from __future__ import annotations

import enum
import hashlib
import re
from typing import NewType

from strongroom.streams import Buffer

BlobId = NewType("BlobId", bytes)
"""SHA-256 of a blob's plaintext, 32 bytes."""

StorageId = NewType("StorageId", str)
"""SHA-256 of a stored file as 64 hex digits: its name."""

ID_SIZE = 32
_HEX_NAME = re.compile(r"[0-9a-f]{64}\Z")


class BlobKind(enum.IntEnum):
    """The kind of a blob; part of its identity."""

    DATA = 0
    TREE = 1


class FileKind(enum.StrEnum):
    """The kind of a file in a repository. The value is its folder; `config` is a single file."""

    CONFIG = "config"
    KEY = "keys"
    LOCK = "locks"
    SNAPSHOT = "snapshots"
    INDEX = "index"
    PACK = "data"


def blob_id(plaintext: Buffer) -> BlobId:
    """Return the identity of a blob."""
    return BlobId(hashlib.sha256(plaintext).digest())


def storage_id(stored: Buffer) -> StorageId:
    """Return the name of a file with these bytes."""
    return StorageId(hashlib.sha256(stored).hexdigest())


def is_storage_name(name: str) -> bool:
    """Return whether the name is that of a stored file: 64 lower-case hex digits."""
    return _HEX_NAME.match(name) is not None
