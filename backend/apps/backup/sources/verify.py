"""Verify a stored backup: compare its manifest with the stored data, which is read from the storage alone."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from strongroom.snapshots import SnapshotView
from strongroom.streams import Reader

from ..core.manifest import MAX_BYTES, NAME, DatabaseRecord, Manifest, ManifestInvalid, decode
from .engines.registry import DATABASE_ENGINES
from .streams import CHUNK, DumpPlace


class SnapshotPlace:
    """A snapshot, as a place from which dumps are read."""

    def __init__(self, view: SnapshotView) -> None:
        self._view = view

    @contextlib.contextmanager
    def open_member(self, path: str) -> Iterator[Reader]:
        node = self._view.find(path.encode())
        if node is None:
            raise KeyError(path)
        with self._view.open(node) as stream:
            yield stream


def read_manifest(place: DumpPlace) -> Manifest:
    """Return the manifest of a backup. Raises `ManifestInvalid`."""
    try:
        with place.open_member(NAME) as stream:
            data = bytearray()
            while len(data) <= MAX_BYTES and (piece := stream.read(CHUNK)):
                data += piece
    except KeyError as error:
        raise ManifestInvalid(f"There is no {NAME} in it; it was not made by this software.") from error
    return decode(bytes(data))


def verify_captured(view: SnapshotView, *, staging: Path | None = None) -> list[str]:
    """Compare a snapshot with its manifest and return the differences.

    Dumps are read to their end by their engines, which check them and count their rows. `staging` is a private folder
    for a copy of a database; without it the system's temporary folder is used.
    """
    place = SnapshotPlace(view)
    try:
        manifest = read_manifest(place)
    except ManifestInvalid as error:
        return [str(error)]
    findings = [finding for record in manifest.databases for finding in verify_database(place, record, staging)]
    for root in manifest.files:
        if view.find(b"files/" + root.name.encode()) is None:
            findings.append(f"files/{root.name}: the manifest lists it, but it is not stored")
    return findings


def verify_database(place: DumpPlace, record: DatabaseRecord, staging: Path | None) -> list[str]:
    """Return the findings about one stored database, none if it is good."""
    engine = DATABASE_ENGINES.get(record.engine)
    if engine is None or not engine.has_dump:
        return [f"{record.path}: this version cannot read a dump of {record.engine}"]
    digest = hashlib.sha256()
    size = 0

    def measure(data: bytes) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)

    try:
        with place.open_member(record.path) as stream:
            found = engine.read_dump(record, stream, measure, staging)
    except KeyError:
        return [f"{record.path}: the manifest lists it, but it is not stored"]
    findings = [f"{record.path}: {damage}" for damage in found.damage] or compare_rows(record, found.rows)
    if (size, digest.hexdigest()) != (record.size, record.sha256):
        findings.insert(0, f"{record.path}: its {size} bytes are not the {record.size} bytes that were captured")
    return findings


def compare_rows(record: DatabaseRecord, counts: Mapping[str, int]) -> list[str]:
    """Return a finding for each table whose number of rows is not the recorded one."""
    return [
        f"{record.path}: table {table}: {rows} rows were captured, {counts.get(table, 'no data')} are there"
        for table, rows in sorted(record.tables.items())
        if counts.get(table) != rows
    ]
