"""Find damage in a repository.

Stricter than restic's check, which covers containers and reachability. Here the size of a file must match its blobs,
trees must be in canonical form with safe, unique and ordered names, and hard links must agree.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import os
import threading
import time
from collections.abc import Callable, Iterable

from strongroom.backends.base import FileHandle
from strongroom.errors import BackendError, Damaged, FileMissing
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node, NodeKind, decode_tree, tree_faults
from strongroom.ids import BlobId, BlobKind, FileKind, StorageId
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.blob_set import BlobSet
from strongroom.repository.damage import Damage, DamageKind, compare_sizes, distrust
from strongroom.repository.keys import load_key
from strongroom.repository.packs import PackFault, salvage_index, verify_pack
from strongroom.workers import Pool, default_workers

_INTERVAL = 0.2
"""Seconds between two progress reports."""


class Severity(enum.StrEnum):
    """The severity of a finding.

    ERROR: data is lost, or a restore would differ. WARNING: a form is wrong, but nothing is lost. NOTE: wasted space.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault. `code` is stable; `subject` is the file, blob or path."""

    severity: Severity
    code: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.subject}: {self.text}"


@dataclasses.dataclass(frozen=True, slots=True)
class CheckProgress:
    """The number of packs and bytes that were read, and their totals."""

    packs_done: int
    packs_total: int
    bytes_done: int
    bytes_total: int


@dataclasses.dataclass(slots=True)
class CheckReport:
    """The result of a check: counts, findings and damage.

    `damage` lists every damaged pack and blob that was seen, even if no checked snapshot needs it.
    """

    findings: list[Finding] = dataclasses.field(default_factory=list)
    damage: list[Damage] = dataclasses.field(default_factory=list)
    snapshots: int = 0
    trees: int = 0
    files: int = 0
    packs: int = 0
    packs_read: int = 0
    bytes_read: int = 0

    @property
    def good(self) -> bool:
        """Return whether there are no findings except notes."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)


def check(
    repository: Repository, *, read_data: bool = False, progress: Callable[[CheckProgress], None] | None = None
) -> CheckReport:
    """Check a whole repository; with `read_data`, read every byte. The caller holds a lock.

    Never raises for damage. Raises BackendError if the storage cannot be listed.
    """
    job = _Check(repository, one=False)
    job.keys()
    # Snapshots before the index: a backup that runs meanwhile adds blobs to the index before its snapshot.
    snapshots, faults = repository.readable_snapshots()
    for fault in faults:
        job.note(Severity.ERROR, "snapshot-damaged", "snapshots", fault)
    job.index()
    job.packs()
    for snapshot in snapshots:
        job.snapshot(snapshot)
    if read_data:
        job.read_packs(job.stored, progress)
    return job.finish()


def verify_snapshot(
    repository: Repository,
    snapshot: Snapshot,
    *,
    packs: Iterable[StorageId] | None = None,
    progress: Callable[[CheckProgress], None] | None = None,
) -> CheckReport:
    """Verify that one snapshot can be read: its trees, and every pack that it needs, or only `packs`.

    With `packs` (those that a job has written), all other packs are checked for presence and size only. Damage that
    the snapshot does not need, or that has another intact copy, is a note.
    """
    job = _Check(repository, one=True)
    job.index()
    job.packs()
    job.snapshot(snapshot)
    chosen = job.needed if packs is None else set(packs)
    for pack in sorted(job.needed):
        job.compare_size(pack, job.stored.get(pack), is_read=pack in chosen)
    job.read_packs({pack: job.stored[pack] for pack in chosen if pack in job.stored}, progress)
    return job.finish()


class _Check:
    """One running check, of `one` snapshot or of the whole repository. Several threads may add findings."""

    def __init__(self, repository: Repository, *, one: bool) -> None:
        self.repository = repository
        self._one = one
        self.report = CheckReport()
        self.stored: dict[StorageId, int] = {}
        self.needed: set[StorageId] = set()
        self._index = Index()
        self._needed_blobs = BlobSet(self._index)
        self._unreadable: list[Damage] = []
        self._trees: set[BlobId] = set()
        self._guard = threading.Lock()
        self._reported = 0.0

    def note(self, severity: Severity, code: str, subject: str, text: str) -> None:
        """Add a finding."""
        with self._guard:
            self.report.findings.append(Finding(severity, code, subject, text))

    def keys(self) -> None:
        """Check that every key file can be read: a broken one can keep restic from opening the repository."""
        for stored in self.repository.backend.list_files(FileKind.KEY):
            try:
                load_key(self.repository.backend, stored.name, stored.size)
            except Damaged as error:
                self.note(Severity.ERROR, "key-damaged", f"keys/{stored.name}", str(error))

    def finish(self) -> CheckReport:
        """Return the sorted report. If no pack at all can be read, the storage has failed; that is no damage."""
        if len(self._unreadable) < self.report.packs_read:
            self.report.damage.extend(self._unreadable)
        self.report.findings.sort()
        self.report.damage.sort()
        return self.report

    def index(self) -> None:
        """Load the index; if it is damaged, add the blobs that the headers of the packs list."""
        seen: dict[StorageId, list[object]] = {}
        damaged = False
        for stored in list(self.repository.backend.list_files(FileKind.INDEX)):
            try:
                for pack, blobs in self.repository.load_index_file(stored.name):
                    if pack in seen:
                        self._compare_lists(pack, seen[pack] == list(blobs))
                    seen[pack] = list(blobs)
                    self._index.add(pack, blobs)
            except FileMissing:
                continue
            except Damaged as error:
                damaged = True
                severity = Severity.NOTE if self._one else Severity.ERROR
                self.note(severity, "index-damaged", f"index/{stored.name}", str(error))
        if damaged:
            self._index = salvage_index(self.repository)
        self._needed_blobs = BlobSet(self._index)

    def _compare_lists(self, pack: StorageId, same: bool) -> None:
        if same:
            self.note(
                Severity.NOTE, "pack-indexed-twice", f"data/{pack}", "two index files list it, with the same blobs"
            )
        else:
            self.note(Severity.ERROR, "index-disagrees", f"data/{pack}", "two index files list different blobs in it")

    def packs(self) -> None:
        """Compare the stored packs with the index. For one snapshot, the packs that it needs are reported later."""
        self.stored = {stored.name: stored.size for stored in self.repository.backend.list_files(FileKind.PACK)}
        self.report.packs = len(self.stored)
        unsound = compare_sizes(self._index, self.stored)
        self.report.damage.extend(unsound)
        distrust(self._index, unsound)
        if self._one:
            return
        for damage in unsound:
            self.compare_size(damage.pack, self.stored.get(damage.pack))
        known = set(self._index.packs)
        for pack in sorted(set(self.stored) - known):
            self.note(Severity.NOTE, "pack-unused", f"data/{pack}", "no index names it; `strongroom prune` removes it")

    def compare_size(self, pack: StorageId, size: int | None, *, is_read: bool = False) -> None:
        """Compare the size of an indexed pack with the index. If the pack `is_read` later, reading shows the loss."""
        expected = self._index.pack_size(pack)
        if size is None:
            self.note(Severity.ERROR, "pack-missing", f"data/{pack}", "the index names it, but it is missing")
        elif size != expected:
            severity = Severity.NOTE if is_read else Severity.ERROR
            self.note(severity, "pack-truncated", f"data/{pack}", f"it has {size} bytes instead of {expected}")

    def snapshot(self, snapshot: Snapshot) -> None:
        """Check that every tree and blob of a snapshot is indexed, and that every tree is valid."""
        self.report.snapshots += 1
        reader = BlobReader(self.repository, self._index)
        links: dict[tuple[int, int], tuple[bytes, object]] = {}
        stack = [(b"", snapshot.tree)]
        while stack:
            path, tree = stack.pop()
            where = f"snapshot {snapshot.id[:8]}:/{os.fsdecode(path)}"
            self._need(BlobKind.TREE, tree, where)
            if tree in self._trees:
                continue
            self._trees.add(tree)
            self.report.trees += 1
            for node in self._nodes(reader, tree, where):
                inner = os.path.join(path, node.name)
                if node.kind is NodeKind.DIR and node.subtree:
                    stack.append((inner, node.subtree))
                elif node.kind is NodeKind.FILE:
                    self._file(node, f"snapshot {snapshot.id[:8]}:/{os.fsdecode(inner)}", links)

    def _nodes(self, reader: BlobReader, tree: BlobId, where: str) -> list[Node]:
        try:
            blob = reader.read(BlobKind.TREE, tree)
            for fault in tree_faults(blob):
                self.note(Severity.ERROR if fault.harmful else Severity.WARNING, "tree-faulty", where, fault.text)
            return decode_tree(blob)
        except Damaged as error:
            self.note(Severity.ERROR, "tree-damaged", where, str(error))
            return []

    def _file(self, node: Node, where: str, links: dict[tuple[int, int], tuple[bytes, object]]) -> None:
        self.report.files += 1
        size = 0
        for blob in node.content or ():
            self._need(BlobKind.DATA, blob, where)
            size += self._index.size(BlobKind.DATA, blob) or 0
        if size != node.size:
            self.note(
                Severity.ERROR, "size-wrong", where, f"its entry says {node.size} bytes, but its content has {size}"
            )
        if node.links > 1 and node.inode:
            first = links.setdefault((node.inode, node.device_id), (node.name, node.content))
            if first[1] != node.content:
                self.note(
                    Severity.ERROR,
                    "links-disagree",
                    where,
                    f"it has the same inode as {os.fsdecode(first[0])!r}, but other content",
                )

    def _need(self, kind: BlobKind, blob: BlobId, where: str) -> None:
        new = self._needed_blobs.add(kind, blob)
        if new is None:
            name = kind.name.lower()
            text = f"the {name} blob {blob.hex()} is in no index; `strongroom repair index` searches the packs for it"
            self.note(Severity.ERROR, "blob-missing", where, text)
            self.report.damage.append(Damage(StorageId(""), DamageKind.MISSING, blob.hex(), name, text))
        elif new and (pack := self._index.first_pack(kind, blob)):
            self.needed.add(pack)

    def read_packs(self, packs: dict[StorageId, int], progress: Callable[[CheckProgress], None] | None) -> None:
        """Read packs, given with their sizes, several at a time."""
        total = sum(packs.values())

        def report(*, at_once: bool = False) -> None:
            now = time.monotonic()
            if progress and (at_once or now - self._reported >= _INTERVAL):
                self._reported = now
                progress(CheckProgress(self.report.packs_read, len(packs), self.report.bytes_read, total))

        with Pool(default_workers(), report) as pool:
            for pack, size in sorted(packs.items()):
                pool.submit(functools.partial(self._read_pack, pack, size))
            pool.drain()
        report(at_once=True)

    def _read_pack(self, pack: StorageId, size: int) -> None:
        subject = str(FileHandle(FileKind.PACK, pack))
        try:
            faults = list(verify_pack(self.repository, self._index, pack))
            severity = self._weight(pack, faults) if faults else Severity.NOTE
            for fault in faults:
                self.note(severity, "pack-damaged", subject, fault.text)
            damage = _damage(pack, faults)
        except BackendError as error:
            self.note(Severity.ERROR, "pack-unreadable", subject, str(error))
            damage = []
            with self._guard:
                self._unreadable.append(Damage(pack, DamageKind.UNREADABLE, reason=str(error)))
        with self._guard:
            self.report.damage.extend(damage)
            self.report.packs_read += 1
            self.report.bytes_read += size

    def _weight(self, pack: StorageId, faults: list[PackFault]) -> Severity:
        """Return ERROR, or NOTE if the one snapshot does not need the damaged blobs or has another copy of them."""
        if not self._one:
            return Severity.ERROR
        if all(fault.outer for fault in faults):
            return Severity.NOTE
        bad = [fault.blob for fault in faults if fault.blob] or self._index.blobs_in([pack])[pack]
        reader = BlobReader(self.repository, self._index)
        lost = (
            self._index.number(blob.kind, blob.id) in self._needed_blobs and not reader.has_spare(pack, blob)
            for blob in bad
        )
        return Severity.ERROR if any(lost) else Severity.NOTE


def _damage(pack: StorageId, faults: list[PackFault]) -> list[Damage]:
    """Return the damaged blobs of a pack, or the whole pack if the fault is in no single blob."""
    blobs = [
        Damage(pack, DamageKind.BLOB, fault.blob.id.hex(), fault.blob.kind.name.lower(), fault.text)
        for fault in faults
        if fault.blob
    ]
    reason = "; ".join(fault.text for fault in faults)
    kind = DamageKind.HEADER if all(fault.outer for fault in faults) else DamageKind.LISTING
    return blobs or ([Damage(pack, kind, reason=reason)] if faults else [])
