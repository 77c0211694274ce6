"""Is what was stored what was captured? The manifest against the stored data, read from the storage alone."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final, Protocol

from strongroom.snapshots import SnapshotView
from strongroom.streams import Reader

from ..core.manifest import MAX_BYTES, NAME, DatabaseRecord, Manifest, ManifestInvalid, decode
from .engines.postgresql import dump as postgresql
from .engines.postgresql.client_programs import find_client, rows_command
from .engines.postgresql.read_dump import read_dump
from .engines.sqlite import online_copy as sqlite
from .errors import CaptureFailed
from .streams import CHUNK

_COPY: Final = re.compile(rb'COPY ("(?:[^"]|"")+"|[^\s."]+)\.("(?:[^"]|"")+"|[^\s."(]+) .*FROM stdin;\n', re.DOTALL)
_PIECE: Final = 1 << 16


class DumpPlace(Protocol):
    """Where dumps can be read from: a snapshot, a package that has been unpacked."""

    def open_member(self, path: str) -> contextlib.AbstractContextManager[Reader]:
        """The content of a member; `KeyError` if there is none of that name."""
        ...


class SnapshotPlace:
    """A snapshot as a `DumpPlace`."""

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
    """The manifest of a backup; raises `ManifestInvalid`."""
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

    Dumps are read to their end: PostgreSQL's by pg_restore, whose rows are counted, SQLite's by its integrity check.
    `staging` is a private folder for a copy of an SQLite database; without it the system's temporary folder is used.
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
    """Return what is wrong with one stored database."""
    digest = hashlib.sha256()
    size = 0

    def measure(data: bytes) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)

    try:
        with place.open_member(record.path) as stream:
            if record.engine == postgresql.ENGINE:
                findings = _verify_postgresql(record, stream, measure)
            else:
                findings = _verify_sqlite(record, stream, measure, staging)
    except KeyError:
        return [f"{record.path}: the manifest lists it, but it is not stored"]
    if (size, digest.hexdigest()) != (record.size, record.sha256):
        findings.insert(0, f"{record.path}: its {size} bytes are not the {record.size} bytes that were captured")
    return findings


def _verify_sqlite(
    record: DatabaseRecord, stream: Reader, measure: Callable[[bytes], None], staging: Path | None
) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="verify-", dir=staging) as folder:
        copy = Path(folder) / sqlite.DUMP
        with copy.open("wb") as target:
            while data := stream.read(CHUNK):
                measure(data)
                target.write(data)
        findings = [f"{record.path}: {damage}" for damage in sqlite.damage_in(copy)]
        if findings:
            return findings
        with contextlib.closing(sqlite.open_readonly(copy)) as connection:
            counts = sqlite.count_rows(connection.cursor())
    return compare_rows(record, counts)


def compare_rows(record: DatabaseRecord, counts: dict[str, int]) -> list[str]:
    """Tables whose number of rows is not the recorded one."""
    return [
        f"{record.path}: table {table}: {rows} rows were captured, {counts.get(table, 'no data')} are there"
        for table, rows in sorted(record.tables.items())
        if counts.get(table) != rows
    ]


def _verify_postgresql(record: DatabaseRecord, stream: Reader, measure: Callable[[bytes], None]) -> list[str]:
    client = find_client(int(record.server_version.split(".", 1)[0]))
    try:
        counts = read_dump(rows_command(client), stream, _count_copied, measure=measure)
    except CaptureFailed as error:
        return [f"{record.path}: {error}"]
    return compare_rows(record, counts)


def _count_copied(output: IO[bytes]) -> dict[str, int]:
    counts: dict[str, int] = {}
    table: str | None = None
    header = b""
    at_start = True
    # A row may be as long as a gigabyte: lines are read in pieces.
    while line := output.readline(_PIECE):
        whole = at_start
        at_start = line.endswith(b"\n")
        if table is None:
            if header or (whole and line.startswith(b"COPY ")):
                # A name may hold a line's end: then a quotation mark is open.
                header += line
                if header.count(b'"') % 2 == 0:
                    if found := _COPY.fullmatch(header):
                        table = f"{_plain(found[1])}.{_plain(found[2])}"
                        counts[table] = 0
                    header = b""
        elif whole and line == b"\\.\n":
            table = None
        elif at_start:
            counts[table] += 1
    return counts


def _plain(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text
