"""Snapshot records. Each snapshot is a complete restore point."""

from __future__ import annotations

import dataclasses

import msgspec

from strongroom.errors import Damaged
from strongroom.format.go_text import encode_json, format_time, parse_time
from strongroom.format.records import blob_id_from_hex, decode_record
from strongroom.ids import BlobId, StorageId


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of a backup. Sizes are bytes: `data_added` before compression, `data_added_packed` after."""

    backup_start: str
    backup_end: str
    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    dirs_new: int = 0
    dirs_changed: int = 0
    dirs_unmodified: int = 0
    data_blobs: int = 0
    tree_blobs: int = 0
    data_added: int = 0
    data_added_packed: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0


class _Snapshot(msgspec.Struct, omit_defaults=True, kw_only=True):
    time: str = "0001-01-01T00:00:00Z"
    parent: str | None = None
    tree: str
    paths: list[str] | None = None
    hostname: str = ""
    username: str = ""
    uid: int = 0
    gid: int = 0
    excludes: list[str] | None = None
    tags: list[str] | None = None
    original: str | None = None
    program_version: str = ""
    summary: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    delete: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


FOREVER = 1 << 63
"""A time in nanoseconds later than any in a record: the year 2262."""

UNSTORED = StorageId("")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A restore point. `id` is the name of its file, empty until it is stored; `time_ns` is since the epoch.

    `keep_until_ns` is a mark of rustic's, which we respect but never write: the snapshot is protected until this time.
    """

    id: StorageId = UNSTORED
    time_ns: int
    tree: BlobId
    paths: tuple[str, ...]
    hostname: str = ""
    username: str = ""
    uid: int = 0
    gid: int = 0
    tags: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    parent: str | None = None
    original: str | None = None
    program_version: str = ""
    summary: Summary | None = None
    keep_until_ns: int = 0

    def must_stay(self, now_ns: int) -> str:
        """Return the reason why the snapshot cannot be forgotten at that time; empty if it can."""
        if self.keep_until_ns <= now_ns:
            return ""
        how_long = "for ever" if self.keep_until_ns >= FOREVER else f"until {format_time(self.keep_until_ns)}"
        return f"protected {how_long}"


_decoder = msgspec.json.Decoder(_Snapshot)
_summary_decoder = msgspec.json.Decoder(Summary)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return the JSON of a snapshot."""
    summary = msgspec.Raw(encode_json(snapshot.summary)) if snapshot.summary else msgspec.UNSET
    return encode_json(
        _Snapshot(
            time=format_time(snapshot.time_ns),
            parent=snapshot.parent,
            tree=snapshot.tree.hex(),
            paths=list(snapshot.paths),
            hostname=snapshot.hostname,
            username=snapshot.username,
            uid=snapshot.uid,
            gid=snapshot.gid,
            excludes=list(snapshot.excludes) or None,
            tags=list(snapshot.tags) or None,
            original=snapshot.original,
            program_version=snapshot.program_version,
            summary=summary,
        )
    )


def decode_snapshot(text: bytes, identity: StorageId) -> Snapshot:
    """Decode a snapshot. Raises Damaged. A summary in another form than restic's (rustic has its own) is dropped."""
    record = decode_record(_decoder, text, f"snapshot {identity[:8]}")
    summary = None
    if record.summary is not msgspec.UNSET:
        try:
            summary = _summary_decoder.decode(record.summary)
        except msgspec.DecodeError:
            summary = None
    return Snapshot(
        id=identity,
        time_ns=parse_time(record.time),
        tree=blob_id_from_hex(record.tree),
        paths=tuple(record.paths or ()),
        hostname=record.hostname,
        username=record.username,
        uid=record.uid,
        gid=record.gid,
        tags=tuple(record.tags or ()),
        excludes=tuple(record.excludes or ()),
        parent=record.parent,
        original=record.original,
        program_version=record.program_version,
        summary=summary,
        keep_until_ns=_keep_until(record.delete),
    )


class _After(msgspec.Struct):
    After: str


_after_decoder = msgspec.json.Decoder(_After)


def _keep_until(mark: msgspec.Raw | msgspec.UnsetType) -> int:
    """Decode rustic's mark: "NotSet", "Never", {"After": time}. An unknown value means for ever, to be safe."""
    if mark is msgspec.UNSET or bytes(mark) in (b'"NotSet"', b"null"):
        return 0
    try:
        return parse_time(_after_decoder.decode(mark).After)
    except (msgspec.DecodeError, Damaged):
        return FOREVER
