"""zstd frames as repositories hold them: one frame, content size present, no checksum."""

from __future__ import annotations

import sys
import threading

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from strongroom.errors import Damaged
from strongroom.streams import Buffer

DEFAULT_LEVEL = 2
"""A quarter faster than zstd's own default and 3 % larger: about the size that restic's "auto" reaches."""
_MAX_WINDOW_LOG = 29
"""512 MiB: what restic's decoder allows; a frame that asks for more is refused before memory is taken."""


class _Compressors(threading.local):
    """One compressor a thread and level: making one costs more than compressing a small file."""

    def __init__(self) -> None:
        self.by_level: dict[int, zstd.ZstdCompressor] = {}


_compressors = _Compressors()


def compress(plaintext: Buffer, level: int = DEFAULT_LEVEL) -> bytes:
    """One frame that holds `plaintext`."""
    compressor = _compressors.by_level.get(level)
    if compressor is None:
        compressor = _compressors.by_level[level] = zstd.ZstdCompressor(level=level)
    compressor.set_pledged_input_size(len(plaintext))
    return compressor.compress(plaintext, zstd.ZstdCompressor.FLUSH_FRAME)


def decompress(frames: Buffer, max_size: int) -> bytes:
    """What one or several frames hold. Raises Damaged when it is no zstd or holds more than `max_size` bytes."""
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
    parts: list[bytes] = []
    room = max_size
    rest: Buffer = frames
    try:
        while rest:
            decompressor = zstd.ZstdDecompressor(options=options)
            # One byte more than allowed, so that too much is told from just enough.
            part = decompressor.decompress(rest, max_length=room + 1)
            room -= len(part)
            if room < 0:
                raise Damaged(f"Compressed data holds more than the {max_size} bytes it should.")
            if not decompressor.eof:
                raise Damaged("Compressed data breaks off.")
            parts.append(part)
            rest = decompressor.unused_data
    except zstd.ZstdError as error:
        raise Damaged(f"Compressed data cannot be read: {error}.") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)
