"""Chunks of zeros, as in sparse files. Their blob ids are known, so they need not be hashed or read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from strongroom.chunker import MAX_SIZE, MIN_SIZE
from strongroom.ids import BlobId, blob_id

_SIZES: Final = (MAX_SIZE, MIN_SIZE)
"""The sizes of chunks without a boundary: ours, and restic's."""
_LONGEST: Final = bytes(MAX_SIZE)


@functools.cache
def zero_chunks() -> Mapping[BlobId, int]:
    """Return the blob ids of these chunks, with their lengths in bytes."""
    return {blob_id(bytes(size)): size for size in _SIZES}


def zeros_id(chunk: bytes) -> BlobId | None:
    """Return the blob id of our own chunk of zeros, without hashing; None for any other chunk."""
    return next(iter(zero_chunks())) if chunk == _LONGEST else None
