"""Verify a stored backup, in a repository or a package, and record the findings."""

import contextlib
import dataclasses
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from strongroom.backends.base import CONFIG
from strongroom.checker import CheckProgress, Severity, verify_snapshot
from strongroom.errors import BackendError, Damaged, StrongroomError
from strongroom.format.snapshot import Snapshot
from strongroom.packages import open_package
from strongroom.repository import Repository
from strongroom.repository.damage import Damage
from strongroom.snapshots import SnapshotView

from ..core.manifest import Manifest, decode
from ..core.progress import Tracker
from ..errors import BackupError, StorageAbsent
from ..models import BackupJob, DamageFinder, RehearsalState, Trust
from ..selectors import job_by_uuid
from ..services.damages import damage_found
from ..services.jobs import job_trust_set
from ..services.repositories import require_repository
from ..sources.rehearsals import Rehearsals, rehearse_all
from ..sources.streams import DumpPlace
from ..sources.verify import SnapshotPlace, read_manifest, verify_captured
from ..storage.locations import RepositoryPlace
from ..storage.repository_locks import missing_lock_notes
from ..storage.staging import staging_folder
from .packages import verify_package
from .references import BackupRef

_EXPANSION = 4
"""How many times larger than their package the databases in it may be, about."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying a backup and of the rehearsal of its restore.

    `recorded` is False if the catalogue has no row for the backup.
    """

    ref: BackupRef
    trust: str
    findings: tuple[str, ...]
    recorded: bool
    rehearsals: Rehearsals = dataclasses.field(default_factory=Rehearsals)
    notes: tuple[str, ...] = ()


def verify_backup(ref: BackupRef, *, tracker: Tracker, tick: Callable[[], None]) -> Verification:
    """Read a backup back, compare it with its manifest, rehearse its restore, and set its trust in the catalogue.

    `tick` is called now and then. Damage is a finding. Raises the error that keeps the storage from being opened, such
    as `StorageAbsent`: a backup that is away is not damaged, and its trust stays as it is.
    """
    rehearsals = Rehearsals()
    notes: list[str] = []
    if ref.package is not None:
        _require_package(ref.package)
        tracker.begin("verifying")
        tick()
        with staging_folder(uuid.uuid4(), room=ref.package.stat().st_size * _EXPANSION) as staging:
            findings = verify_package(ref.package, staging=staging)
            if findings:
                _require_package(ref.package)
            else:
                package = open_package(ref.package)
                rehearsals = _rehearse(package, decode(package.manifest), tracker, tick)
    elif ref.place is not None:
        repository = _open(ref, ref.place)
        with contextlib.ExitStack() as held:
            notes = missing_lock_notes(held.enter_context(repository.lock(optional=True)))
            try:
                snapshot = repository.snapshot(ref.snapshot_id)
            except Damaged as error:
                _require_repository_there(repository)
                read = ReadBack([str(error)], ())
            else:
                staging = held.enter_context(staging_folder(uuid.uuid4(), room=_room(repository, snapshot)))
                read = read_back(repository, snapshot, staging=staging, tracker=tracker, tick=tick)
            findings = read.findings
            if ref.in_ledger:
                # Before the trust of this backup is set: its old trust decides what it may become again.
                damage_found(repository, read.damage, found_by=DamageFinder.VERIFY, now=timezone.now(), tick=tick)
            if not findings:
                place = SnapshotPlace(SnapshotView(repository, snapshot))
                rehearsals = _rehearse(place, read_manifest(place), tracker, tick)
    else:
        raise AssertionError("A backup is a snapshot or a package.")
    row = _row(ref)
    trust = _trust(findings, rehearsals, row)
    if row is not None:
        job_trust_set(row.uuid, trust, None if findings else rehearsals)
    return Verification(
        ref=ref,
        trust=trust,
        findings=tuple(findings),
        recorded=row is not None,
        rehearsals=rehearsals,
        notes=tuple(notes),
    )


def _room(repository: Repository, snapshot: Snapshot) -> int:
    """Return the bytes that copies of the databases take while they are verified."""
    try:
        databases = read_manifest(SnapshotPlace(SnapshotView(repository, snapshot))).databases
    except (BackupError, StrongroomError):
        # The verification itself reports what is wrong with the manifest.
        return 0
    return sum(record.size for record in databases)


def _rehearse(place: DumpPlace, manifest: Manifest, tracker: Tracker, tick: Callable[[], None]) -> Rehearsals:
    tracker.begin("rehearsing the restore")
    tick()
    return rehearse_all(place, manifest)


def _row(ref: BackupRef) -> BackupJob | None:
    return job_by_uuid(ref.job) if ref.in_ledger and ref.job is not None else None


def _open(ref: BackupRef, place: RepositoryPlace) -> Repository:
    repository, row = place.open(), _row(ref)
    if row is not None:
        require_repository(row, repository)
    return repository


def _require_package(path: Path) -> None:
    if not path.is_file():
        raise StorageAbsent(
            f"The package {str(path)!r} is not there. Mount its storage or put it back; its trust stays as it was."
        )
    if not os.access(path, os.R_OK):
        raise StorageAbsent(
            f"The package {str(path)!r} may not be read by this user. Correct its owner or mode; its trust stays as it"
            " was."
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ReadBack:
    """The findings about a snapshot, and all damage that was seen, also of content that the snapshot does not need."""

    findings: list[str]
    damage: tuple[Damage, ...]


def read_back(
    repository: Repository, snapshot: Snapshot, *, staging: Path, tracker: Tracker, tick: Callable[[], None]
) -> ReadBack:
    """Verify a snapshot: read and hash each blob, then compare the dumps with the manifest.

    Raises `StorageAbsent` if the repository went away meanwhile.
    """
    try:
        read = _read_back(repository, snapshot, staging=staging, tracker=tracker, tick=tick)
    except StrongroomError:
        _require_repository_there(repository)
        raise
    if read.findings:
        _require_repository_there(repository)
    return read


def _read_back(
    repository: Repository, snapshot: Snapshot, *, staging: Path, tracker: Tracker, tick: Callable[[], None]
) -> ReadBack:
    def progress(done: CheckProgress) -> None:
        tracker.reached(bytes_done=done.bytes_done, total_bytes=done.bytes_total)
        tick()

    tracker.begin("verifying")
    report = verify_snapshot(repository, snapshot, progress=progress)
    findings = [str(finding) for finding in report.findings if finding.severity is not Severity.NOTE]
    if not findings:
        tracker.begin("comparing with the manifest")
        tick()
        findings = verify_captured(SnapshotView(repository, snapshot), staging=staging)
    return ReadBack(findings, tuple(report.damage))


def _require_repository_there(repository: Repository) -> None:
    """Raise `StorageAbsent` if the whole repository is away: its content is then not damaged."""
    try:
        repository.backend.load(CONFIG)
    except BackendError as error:
        raise StorageAbsent(
            f"The repository in {repository.location} went away while it was read ({error}). Mount the storage, and"
            " verify the backup again; its trust stays as it was."
        ) from error


def _trust(findings: list[str], rehearsals: Rehearsals, row: BackupJob | None) -> str:
    if findings:
        return Trust.DAMAGED
    if rehearsals.state == RehearsalState.FAILED:
        return Trust.STORED
    # A restore test proves more than a verification, which does not lower the trust again.
    if row is not None and row.trust == Trust.PROVEN:
        return Trust.PROVEN
    return Trust.STORED if rehearsals.is_obstacle else Trust.VERIFIED
