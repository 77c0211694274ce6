"""The backup from which a restore reads: a snapshot in a repository or a package, behind one interface."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.utils import timezone

from strongroom.affected_snapshots import find_affected
from strongroom.errors import Damaged, PackageDamaged
from strongroom.format.tree import NodeKind
from strongroom.ids import FileKind
from strongroom.long_paths import count_entries, reachable
from strongroom.node_metadata import apply_metadata
from strongroom.packages import Package, Tally, extract, open_package
from strongroom.repository.damage import compare_sizes, distrust, lost_blobs
from strongroom.restorer import RestoreProgress, restore
from strongroom.selection import Selection
from strongroom.snapshots import SnapshotView
from strongroom.streams import Reader

from ..backups.references import BackupRef
from ..core.manifest import Manifest, decode
from ..errors import BackupNotFound, LedgerUnavailable, RestoreFailed, RestoreRefused
from ..models import DamageFinder
from ..services.damages import damage_found, doubt_package, doubt_unreadable
from ..sources.verify import SnapshotPlace, read_manifest
from ..storage.repository_locks import missing_lock_notes

_logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with files and bytes done."""


@dataclass(frozen=True)
class Measured:
    """The contents at or below some paths of a backup: files, content bytes, and the paths that it does not have."""

    files: int
    size: int
    missing: list[bytes]


class Origin(Protocol):
    """A backup that can be restored from."""

    manifest: Manifest
    notes: list[str]
    """Notes for the user on how the backup is read."""

    @property
    def view(self) -> SnapshotView | None:
        """The snapshot; None for a package."""
        ...

    def lost(self) -> list[str]:
        """Return texts on content that the storage has lost, found by names and sizes; reads folders only."""
        ...

    def open_member(self, path: str) -> contextlib.AbstractContextManager[Reader]:
        """Open the content of a file in it. Raises `KeyError` if there is none of that name."""
        ...

    def members(self, prefix: bytes) -> contextlib.AbstractContextManager[Iterator[tuple[str, Reader]]]:
        """Open the files below a folder, each with its path and content, in the order of the backup."""
        ...

    def measure(self, paths: frozenset[bytes]) -> Measured:
        """Measure some files and folders without reading their content."""
        ...

    def unpack(self, routes: Mapping[bytes, Path], progress: Progress, *, only: Selection | None = None) -> list[str]:
        """Restore each folder of `routes` to a place that does not exist yet, and compare it with the backup.

        With `only`, which is for the route of the whole backup, restore just its paths and the folders above them.
        Returns notes on properties that could not be applied (owners, attributes). Raises if content is missing or
        damaged.
        """
        ...


@contextlib.contextmanager
def open_origin(ref: BackupRef) -> Iterator[Origin]:
    """Open the backup that `ref` names while the block runs."""
    if ref.package is not None:
        yield PackageOrigin(_whole_package(ref, ref.package))
        return
    if ref.place is None:
        raise BackupNotFound(f"{ref} names neither a repository nor a package.")
    repository = ref.place.open()
    with repository.lock(optional=True) as lock:
        try:
            snapshot = repository.snapshot(ref.snapshot_id)
        except Damaged:
            with _damage_recorded(repository.location):
                doubt_unreadable(repository, found_by=DamageFinder.RESTORE, now=timezone.now())
            raise
        view = SnapshotView(repository, snapshot)
        try:
            yield SnapshotOrigin(view, missing_lock_notes(lock))
        finally:
            _record_damage(view)


def _whole_package(ref: BackupRef, path: Path) -> Package:
    """Read a package to its end. Damage makes the backup DAMAGED, if the catalogue knows it."""
    try:
        return open_package(path)
    except PackageDamaged as error:
        if ref.in_ledger and ref.job is not None:
            with _damage_recorded(str(path)):
                doubt_package(ref.job, str(error), now=timezone.now())
        raise


def _record_damage(view: SnapshotView) -> None:
    """Mark each backup DAMAGED that needs unreadable content. The catalogue may be missing if it is restored."""
    if not view.reader.damage:
        return
    found = list(view.reader.damage.values())
    with _damage_recorded(view.repository.location):
        damage_found(view.repository, found, found_by=DamageFinder.RESTORE, now=timezone.now())


@contextlib.contextmanager
def _damage_recorded(place: str) -> Iterator[None]:
    try:
        yield
    except LedgerUnavailable as error:
        _logger.warning("Damage in %s could not be written down: %s", place, error)


class SnapshotOrigin:
    """A snapshot."""

    def __init__(self, view: SnapshotView, notes: list[str]) -> None:
        self.view: SnapshotView = view
        self.notes = notes
        self.open_member = SnapshotPlace(view).open_member
        self.manifest = read_manifest(SnapshotPlace(view))

    def lost(self) -> list[str]:
        repository, index = self.view.repository, self.view.reader.index
        sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
        damages = compare_sizes(index, sizes)
        if not damages:
            return []
        distrust(index, damages)
        if not find_affected(repository, index, [self.view.snapshot], lost_blobs(index, damages)).snapshots:
            return []
        with _damage_recorded(repository.location):
            damage_found(repository, damages, found_by=DamageFinder.RESTORE, now=timezone.now())
        return [
            f"content of this backup is lost: {len(damages)} packs of the repository are missing or have another size."
            " Restore an earlier backup; --to-folder restores the files that are whole"
        ]

    @contextlib.contextmanager
    def members(self, prefix: bytes) -> Iterator[Iterator[tuple[str, Reader]]]:
        yield self._members(prefix)

    def _members(self, prefix: bytes) -> Iterator[tuple[str, Reader]]:
        for path, node in self.view.walk(self.view.subtree(prefix), prefix):
            if node.kind is NodeKind.FILE:
                with self.view.open(node) as content:
                    yield os.fsdecode(path), content

    def measure(self, paths: frozenset[bytes]) -> Measured:
        return _measured(
            paths,
            ((path, node.size, node.kind is NodeKind.FILE) for path, node in self.view.walk(only=Selection(paths))),
        )

    def unpack(self, routes: Mapping[bytes, Path], progress: Progress, *, only: Selection | None = None) -> list[str]:
        notes: list[str] = []
        files = size = 0
        for source, target in routes.items():
            before = (files, size)

            def report(now: RestoreProgress, before: tuple[int, int] = before) -> None:
                progress(before[0] + now.files_done, before[1] + now.bytes_done)

            view = self.view
            result = restore(view.repository, view.snapshot, target, subtree=source, only=only, progress=report)
            view.reader.damage.update({(one.pack, one.key and one.key[1]): one for one in result.damage})
            if result.damaged:
                first = result.damaged[0]
                raise RestoreFailed(
                    f"{len(result.damaged)} files of the backup are damaged, the first is"
                    f" {os.fsdecode(first.path)!r} ({first.reason}). Nothing live was changed; --to-folder restores the"
                    " others, and an earlier backup may be whole."
                )
            files, size = files + result.files, size + result.bytes
            notes += [f"{os.fsdecode(problem.path)}: {problem.reason}" for problem in result.unapplied]
            notes += self._finish_root(source, target)
            self._compare(source, target, only)
        return notes

    def _finish_root(self, source: bytes, target: Path) -> list[str]:
        """Set owner, mode and times of the root folder itself, too."""
        node = self.view.find(source) if source else None
        if node is None:
            return []
        return [f"{target}: {problem}" for problem in apply_metadata(os.fsencode(target), node)]

    def _compare(self, source: bytes, target: Path, only: Selection | None) -> None:
        """Compare the restored tree with the snapshot: it must have exactly the same paths, kinds and sizes.

        The content of each blob was compared with its hash when it was written.
        """
        expected = 0
        for path, node in self.view.walk(self.view.subtree(source), only=only):
            place = os.path.join(os.fsencode(target), path)  # noqa: PTH118  bytes
            if node.kind.value == "socket":
                continue
            try:
                with reachable(place) as reached:
                    status = os.lstat(reached)
            except FileNotFoundError as error:
                raise RestoreFailed(
                    f"{os.fsdecode(place)} is missing after the restore; nothing live changed."
                ) from error
            if node.kind.value == "file" and (not stat.S_ISREG(status.st_mode) or status.st_size != node.size):
                raise RestoreFailed(
                    f"{os.fsdecode(place)} has {status.st_size} bytes, in the backup {node.size}. Nothing live changed."
                )
            expected += 1
        found = count_entries(os.fsencode(target))
        if found != expected:
            raise RestoreFailed(f"{target} has {found} entries, the backup {expected}; nothing live was changed.")


class PackageOrigin:
    """A package that was read to its end and found complete."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self.notes: list[str] = []
        self.view = None
        self.manifest = decode(package.manifest)
        self.open_member = package.open_member

    def lost(self) -> list[str]:
        return []

    @contextlib.contextmanager
    def members(self, prefix: bytes) -> Iterator[Iterator[tuple[str, Reader]]]:
        with self._package.members(prefix) as found:
            yield ((os.fsdecode(member.name), content) for member, content in found)

    def measure(self, paths: frozenset[bytes]) -> Measured:
        with self._package.walk(*paths) as found:
            return _measured(paths, ((member.name, member.size, not member.is_folder) for member, _ in found))

    def unpack(self, routes: Mapping[bytes, Path], progress: Progress, *, only: Selection | None = None) -> list[str]:
        for target in routes.values():
            if target.exists() and any(target.iterdir()):
                raise RestoreRefused(f"{target} is not empty; give an empty folder or one that does not exist.")
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
        came_by = extract(self._package, routes, only=only, progress=progress)
        for source, target in routes.items():
            self._compare(target, self._recorded(source) if only is None else came_by)
        return []

    def _recorded(self, source: bytes) -> Tally | None:
        name = os.fsdecode(source.removeprefix(b"files/"))
        return self._package.roots.get(name) if source.startswith(b"files/") else self._package.total

    def _compare(self, target: Path, recorded: Tally | None) -> None:
        found = Tally()
        for folder, folders, names in os.walk(target):
            sizes = sum((Path(folder) / one).lstat().st_size for one in names)
            found = Tally(found.files + len(names), found.folders + len(folders), found.bytes + sizes)
        if recorded is not None and found != recorded:
            raise RestoreFailed(f"{target} holds {found}, the package {recorded}; nothing live was changed.")


def _measured(paths: frozenset[bytes], found: Iterable[tuple[bytes, int, bool]]) -> Measured:
    """Sum up entries, each given as path, size, and whether it is a file."""
    files = size = 0
    missing = set(paths)
    for path, length, is_file in found:
        missing.discard(path)
        if is_file:
            files, size = files + 1, size + length
    return Measured(files, size, sorted(missing))
