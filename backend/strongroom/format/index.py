"""Index files: the packs with their blobs and offsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from strongroom.errors import Damaged
from strongroom.format.go_text import encode_json
from strongroom.format.pack import PackedBlob
from strongroom.format.records import blob_id_from_hex, decode_record
from strongroom.ids import BlobKind, StorageId, is_storage_name

_U32 = Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 1)]


class _Blob(msgspec.Struct, omit_defaults=True):
    id: str
    type: Literal["data", "tree"]
    offset: _U32
    length: _U32
    uncompressed_length: _U32 = 0


class _Pack(msgspec.Struct):
    id: str
    blobs: list[_Blob] | None = None


class _Index(msgspec.Struct):
    packs: list[_Pack] | None = None


_decoder = msgspec.json.Decoder(_Index)


def encode_index(packs: Iterable[tuple[StorageId, Sequence[PackedBlob]]]) -> bytes:
    """Return the JSON of an index file."""
    return encode_json(_Index([_Pack(pack, [_blob(blob) for blob in blobs]) for pack, blobs in packs])) + b"\n"


def _blob(blob: PackedBlob) -> _Blob:
    return _Blob(
        blob.id.hex(), "tree" if blob.kind is BlobKind.TREE else "data", blob.offset, blob.length, blob.plain_length
    )


def decode_index(text: bytes) -> Iterator[tuple[StorageId, list[PackedBlob]]]:
    """Yield the packs of an index file with their blobs, in order of offset. Raises Damaged."""
    for pack in decode_record(_decoder, text, "index").packs or ():
        if not is_storage_name(pack.id):
            raise Damaged(f"An index has the invalid pack name {pack.id[:80]!r}.")
        blobs = [
            PackedBlob(
                BlobKind.TREE if blob.type == "tree" else BlobKind.DATA,
                blob_id_from_hex(blob.id),
                blob.offset,
                blob.length,
                blob.uncompressed_length,
            )
            for blob in pack.blobs or ()
        ]
        blobs.sort(key=lambda blob: blob.offset)
        yield StorageId(pack.id), blobs
