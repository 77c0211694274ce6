"""What manifest.json says, as far as anybody can compare it with the members: names, sizes, hashes, numbers of rows.

Read leniently: what is not known here is for the software that wrote it, which reads it strictly.
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
    """A database as its own server writes it: one member, and the rows of every table."""

    path: str
    size: int
    sha256: str
    alias: str = ""
    engine: str = ""
    server_version: str = ""
    tables: dict[str, int] = {}


class TableRecord(_Record, frozen=True):
    """A table as lines of text: one member, a line for each row."""

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
    """What a package says of itself. `problems` is how many things could not be read when it was made."""

    software: str = ""
    cut_at: str = ""
    problems: int = 0
    databases: list[DumpRecord] = []
    data: list[DataRecord] = []
    files: list[RootRecord] = []


def read_contents(package: Package) -> Contents:
    """What manifest.json says; raises `PackageDamaged` when it cannot be read."""
    try:
        return msgspec.json.decode(package.manifest, type=Contents)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PackageDamaged(
            f"The manifest.json of the package {package.path} cannot be read ({error}); it was written by newer or by"
            " other software."
        ) from error


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """A package beside its manifest.json. `findings` are wrong; `notes` say where less or other was stored than had
    been seen when it was made: files change meanwhile, or cannot be read.
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
    """What in the package is not as manifest.json says.

    What lies in these `parts`, tables and dumps, is read once more, in one pass. Raises `PackageRefused` when the
    package changes meanwhile.
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
                findings.append(f"{member.shown}: it is in the package, but manifest.json does not list it")
            else:
                findings += _compare_member(member, content, record)
            files, size = files + 1, size + member.size
            if progress is not None:
                progress(files, size)
    findings += [f"{path}: manifest.json lists it, but it is not in the package" for path in expected]
    findings += [
        f"files/{root.name}: manifest.json lists it, but it is not in the package"
        for root in contents.files
        if root.name not in package.roots
    ]
    return Comparison(findings, _differences(package, contents))


def _placed(path: str) -> bool:
    """Whether a record lies where such records do."""
    return path.startswith((f"{DATA.decode()}/", f"{DATABASES.decode()}/"))


def _compare_member(member: Member, content: Reader, record: DumpRecord | TableRecord) -> list[str]:
    digest = hashlib.sha256()
    lines = 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        lines += piece.count(b"\n")
    if digest.hexdigest() != record.sha256.lower():
        return [f"{member.shown}: its content is not the one whose hash manifest.json lists"]
    if isinstance(record, TableRecord):
        if lines != record.rows:
            return [f"{member.shown}: manifest.json lists {record.rows} rows, there are {lines} lines"]
    elif member.size != record.size:
        return [f"{member.shown}: manifest.json lists {record.size} bytes, there are {member.size}"]
    return []


def _differences(package: Package, contents: Contents) -> list[str]:
    notes = []
    for root in contents.files:
        there = package.roots.get(root.name)
        if there is not None and (there.files, there.bytes) != (root.files, root.bytes):
            notes.append(
                f"files/{root.name}: {root.files} files with {root.bytes} bytes were seen when it was made, stored are"
                f" {there.files} with {there.bytes}"
            )
    if contents.problems:
        notes.append(f"{contents.problems} things could not be read when it was made; its job names them")
    return notes
