"""Browse a backup without restoring it: list a folder page by page, search by a part of a name, list the tables."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from strongroom.format.tree import Node, NodeKind
from strongroom.packages import Member, Package
from strongroom.snapshots import SnapshotView

from ..core.manifest import Manifest, decode
from ..core.paths import text_of
from ..core.titled_files import NAME as TITLES
from ..errors import BackupNotFound
from ..selectors.backups import stored_backup
from ..sources.verify import SnapshotPlace, read_manifest
from .open_backup import open_snapshot
from .package_files import open_package_file, proved_package
from .references import job_ref
from .secrets import is_withheld

MOST_ENTRIES: Final = 1000
_SEARCH_SECONDS: Final = 5.0
_KINDS: Final = {NodeKind.FILE: "file", NodeKind.DIR: "folder", NodeKind.SYMLINK: "link"}
KINDS: Final = (*_KINDS.values(), "special")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder, link or special file in a backup.

    `name` and `path` are texts as `core.paths` writes them. `size` is None for all but files, `target` for all but
    links; `mode` is octal. `withheld`: its content is secret and is not handed out. `in_package`: it is part of the
    package of the whole backup, which holds neither links nor special files.
    """

    name: str
    path: str
    kind: str
    size: int | None
    mode: str
    modified_at: datetime | None
    target: str | None
    withheld: bool
    in_package: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """A page of a folder, or the results of a search. `entry` is the folder or file asked for, None for the root.

    `next_after` is the name after which the next page begins. `cut_off` says why a search is incomplete: "limit" or
    "time".
    """

    entry: Entry | None
    results: Sequence[Entry]
    next_after: bytes | None = None
    cut_off: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table of a database as the manifest names it. A restore of chosen tables uses the same names."""

    database: str
    name: str
    rows: int


class _Contents(Protocol):
    """The contents of an opened backup."""

    def find(self, path: bytes) -> Entry | None:
        """Return the entry at a path, None for the root. Raises `BackupNotFound` if there is none."""
        ...

    def children(self, path: bytes) -> Iterator[tuple[bytes, Entry]]:
        """Yield the name and entry of each direct child of a folder; nothing for a file."""
        ...

    def below(self, path: bytes) -> Iterator[Entry]:
        """Yield all entries below a folder, each folder before its contents."""
        ...

    def manifest(self) -> Manifest:
        """Return the manifest. Raises `ManifestInvalid`."""
        ...


def list_folder(job: uuid.UUID, path: bytes, *, after: bytes = b"", limit: int = MOST_ENTRIES) -> Listing:
    """Return the entries of a folder in the order of their names, from the one after `after`; none for a file.

    Raises `BackupNotFound` for a path that the backup does not hold, and the error that keeps it from being read.
    """
    with _opened(job) as contents:
        entry = contents.find(path)
        left = sorted((pair for pair in contents.children(path) if pair[0] > after), key=lambda pair: pair[0])
    page = left[:limit]
    return Listing(entry, [one for _, one in page], next_after=page[-1][0] if len(left) > limit else None)


def search(job: uuid.UUID, path: bytes, part: str, *, limit: int, seconds: float = _SEARCH_SECONDS) -> Listing:
    """Return the entries below a path that have `part` in their name, in any letter case. Raises as `list_folder`."""
    wanted = part.casefold()
    found: list[Entry] = []
    cut_off = None
    until = time.monotonic() + seconds
    with _opened(job) as contents:
        entry = contents.find(path)
        for one in contents.below(path):
            if time.monotonic() > until:
                cut_off = "time"
                break
            if wanted in one.name.casefold():
                if len(found) == limit:
                    cut_off = "limit"
                    break
                found.append(one)
    return Listing(entry, found, cut_off=cut_off)


def list_tables(job: uuid.UUID) -> list[Table]:
    """Return the tables of the databases in a backup, sorted by database and name.

    Raises `ManifestInvalid`, and the error that keeps the backup from being read.
    """
    with _opened(job) as contents:
        return [Table(*one) for one in sorted(contents.manifest().tables)]


@contextlib.contextmanager
def _opened(job: uuid.UUID) -> Iterator[_Contents]:
    row = stored_backup(job)
    ref = job_ref(row)
    if ref.package is None:
        with open_snapshot(row, ref) as (view, _):
            yield _SnapshotContents(view)
    else:
        with open_package_file(ref.package) as file:
            yield _PackageContents(proved_package(ref.package, file))


class _SnapshotContents:
    def __init__(self, view: SnapshotView) -> None:
        self._view = view

    def find(self, path: bytes) -> Entry | None:
        if not path:
            return None
        node = self._view.find(path)
        if node is None:
            raise _missing(path)
        return _of_node(path, node)

    def children(self, path: bytes) -> Iterator[tuple[bytes, Entry]]:
        tree = self._view.subtree(path)
        for node in [] if tree is None else self._view.nodes(tree):
            yield node.name, _of_node(path + b"/" + node.name if path else node.name, node)

    def below(self, path: bytes) -> Iterator[Entry]:
        tree = self._view.subtree(path)
        if tree is not None:
            for where, node in self._view.walk(tree, path):
                yield _of_node(where, node)

    def manifest(self) -> Manifest:
        return read_manifest(SnapshotPlace(self._view))


class _PackageContents:
    """The contents of a package. Each call reads the package from its start to the end of the folder asked for."""

    def __init__(self, package: Package) -> None:
        self._package = package

    def find(self, path: bytes) -> Entry | None:
        if not path:
            return None
        with self._package.walk(path) as found:
            member = next((one for one, _ in found), None)
        if member is None or member.name != path:
            raise _missing(path)
        return _of_member(member)

    def children(self, path: bytes) -> Iterator[tuple[bytes, Entry]]:
        depth = path.count(b"/") + 1 if path else 0
        for member in self._members(path):
            if member.name.count(b"/") == depth:
                yield member.name.rpartition(b"/")[2], _of_member(member)

    def below(self, path: bytes) -> Iterator[Entry]:
        return map(_of_member, self._members(path))

    def manifest(self) -> Manifest:
        return decode(self._package.manifest)

    def _members(self, path: bytes) -> Iterator[Member]:
        with self._package.walk(*([path] if path else [])) as found:
            for member, _ in found:
                if member.name != path:
                    yield member


def _missing(path: bytes) -> BackupNotFound:
    return BackupNotFound(f"There is no {text_of(path)!r} in the backup.")


def _of_node(path: bytes, node: Node) -> Entry:
    return Entry(
        name=text_of(node.name),
        path=text_of(path),
        kind=_KINDS.get(node.kind, "special"),
        size=node.size if node.kind is NodeKind.FILE else None,
        mode=f"{node.permissions:04o}",
        modified_at=_timestamp(node.mtime_ns),
        target=None if node.target is None else text_of(node.target),
        withheld=is_withheld(path),
        in_package=node.kind in {NodeKind.FILE, NodeKind.DIR} and not is_withheld(path) and path != TITLES.encode(),
    )


def _of_member(member: Member) -> Entry:
    return Entry(
        name=text_of(member.name.rpartition(b"/")[2]),
        path=text_of(member.name),
        kind="folder" if member.is_folder else "file",
        size=None if member.is_folder else member.size,
        mode=f"{member.mode:04o}",
        modified_at=_timestamp(member.mtime_ns),
        target=None,
        withheld=is_withheld(member.name),
        in_package=True,
    )


def _timestamp(nanoseconds: int) -> datetime | None:
    """Return a file's time; None for one that `datetime` cannot hold."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None
