"""Read manifest.json, and compare it with the members of the package: names, sizes, hashes, numbers of rows.

Unknown fields are ignored. The program that wrote the manifest reads it strictly.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from strongroom.errors import PackageDamaged
from strongroom.packages.member_order import DATA, DATABASES
from strongroom.packages.reader import Package, Progress
from strongroom.packages.tar_format import Member
from strongroom.streams import Reader

_PIECE: Final = 1 << 20


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    pass


class DumpRecord(_Record, frozen=True):
    """A database dump in the format of its server: one member, and the number of rows of each table."""

    path: str
    size: int
    sha256: str
    alias: str = ""
    engine: str = ""
    server_version: str = ""
    tables: dict[str, int] = {}


class TableRecord(_Record, frozen=True):
    """A table as text: one member with one line for each row."""

    name: str
    path: str
    rows: int
    sha256: str


class DataRecord(_Record, frozen=True):
    """The tables of one database."""

    tables: list[TableRecord]
    alias: str = ""


class RootRecord(_Record, frozen=True):
    """A folder below files/."""

    name: str
    files: int
    bytes: int


class Contents(_Record, frozen=True):
    """The content of manifest.json. `problems` is the number of entries that could not be read for the backup."""

    software: str = ""
    cut_at: str = ""
    problems: int = 0
    databases: list[DumpRecord] = []
    data: list[DataRecord] = []
    files: list[RootRecord] = []


def read_contents(package: Package) -> Contents:
    """Decode manifest.json. Raises `PackageDamaged` if it cannot be read."""
    try:
        return msgspec.json.decode(package.manifest, type=Contents)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PackageDamaged(
            f"Cannot read manifest.json in the package {package.path} ({error}): a newer or another program wrote it."
            " Use the version that wrote it."
        ) from error


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing a package with its manifest.json.

    `findings` are faults. `notes` are differences that are no faults: files changed, or could not be read, while the
    package was made.
    """

    findings: list[str]
    notes: list[str]


def compare(
    package: Package,
    contents: Contents,
    *,
    parts: Sequence[bytes] = (DATA, DATABASES),
    progress: Progress | None = None,
) -> Comparison:
    """Compare a package with its manifest.json.

    The tables and dumps in `parts` are read once more, in one pass. Raises `PackageRefused` if the package changes
    meanwhile.
    """
    expected: dict[str, DumpRecord | TableRecord] = {dump.path: dump for dump in contents.databases}
    expected |= {table.path: table for database in contents.data for table in database.tables}
    inside = tuple(f"{part.decode()}/" for part in parts)
    expected = {path: record for path, record in expected.items() if path.startswith(inside) or not _placed(path)}
    findings: list[str] = []
    files = size = 0
    with package.members(*parts) as found:
        for member, content in found:
            record = expected.pop(member.shown, None)
            if record is None:
                findings.append(f"{member.shown}: it is in the package, but not in manifest.json")
            else:
                findings += _compare_member(member, content, record)
            files, size = files + 1, size + member.size
            if progress is not None:
                progress(files, size)
    findings += [f"{path}: it is in manifest.json, but not in the package" for path in expected]
    findings += [
        f"files/{root.name}: it is in manifest.json, but not in the package"
        for root in contents.files
        if root.name not in package.roots
    ]
    return Comparison(findings, _differences(package, contents))


def _placed(path: str) -> bool:
    """Return whether the path is in the folder of tables or of dumps."""
    return path.startswith((f"{DATA.decode()}/", f"{DATABASES.decode()}/"))


def _compare_member(member: Member, content: Reader, record: DumpRecord | TableRecord) -> list[str]:
    digest = hashlib.sha256()
    lines = 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        lines += piece.count(b"\n")
    if digest.hexdigest() != record.sha256.lower():
        return [f"{member.shown}: its content does not match its hash in manifest.json"]
    if isinstance(record, TableRecord):
        if lines != record.rows:
            return [f"{member.shown}: it has {lines} lines, but manifest.json lists {record.rows} rows"]
    elif member.size != record.size:
        return [f"{member.shown}: it has {member.size} bytes, but manifest.json lists {record.size}"]
    return []


def _differences(package: Package, contents: Contents) -> list[str]:
    notes = []
    for root in contents.files:
        there = package.roots.get(root.name)
        if there is not None and (there.files, there.bytes) != (root.files, root.bytes):
            notes.append(
                f"files/{root.name}: the package has {there.files} files with {there.bytes} bytes, but when it was made"
                f" there were {root.files} files with {root.bytes} bytes"
            )
    if contents.problems:
        notes.append(f"{contents.problems} entries could not be read when it was made; the log of its job lists them")
    return notes
