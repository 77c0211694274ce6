"""Chunks of nothing but zeros, of which sparse files are full: each is known by its identity, and need not be read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from strongroom.chunker import MAX_SIZE, MIN_SIZE
from strongroom.ids import BlobId, blob_id

_SIZES: Final = (MAX_SIZE, MIN_SIZE)
"""Of our own chunks without a cut, and of restic's."""
_LONGEST: Final = bytes(MAX_SIZE)


@functools.cache
def zero_chunks() -> Mapping[BlobId, int]:
    """Those chunks and their lengths in bytes."""
    return {blob_id(bytes(size)): size for size in _SIZES}


def zeros_id(chunk: bytes) -> BlobId | None:
    """The identity of a chunk of zeros as we cut them, at a small part of the cost of a hash; None for any other."""
    return next(iter(zero_chunks())) if chunk == _LONGEST else None
