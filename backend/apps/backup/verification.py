"""Reading a stored backup back, wherever it lies, and writing down what was found."""

import dataclasses
import uuid
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from strongroom.checker import CheckProgress, Severity, verify_snapshot
from strongroom.format.snapshot import Snapshot
from strongroom.repository import Repository
from strongroom.repository.damage import Damage
from strongroom.snapshots import SnapshotView

from .models import BackupJob, DamageFinder, Trust
from .packages import verify_package
from .progress import Tracker
from .references import BackupRef
from .selectors import job_by_uuid
from .services.damages import damage_found
from .services.jobs import job_trust_set
from .sources import verify_captured
from .staging import staging_folder


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """What reading a backup back has shown. `recorded` is False when there was no ledger row to write it to."""

    ref: BackupRef
    trust: str
    findings: tuple[str, ...]
    recorded: bool


def verify_backup(ref: BackupRef, *, tracker: Tracker, tick: Callable[[], None]) -> Verification:
    """Read a backup back to its last byte, compare it with its manifest, and set its trust in the ledger.

    `tick` is called now and then. Raises what keeps the storage from being opened; damage is a finding.
    """
    if ref.package is not None:
        tracker.begin("reading back")
        tick()
        with staging_folder(uuid.uuid4()) as staging:
            findings = verify_package(ref.package, staging=staging)
    elif ref.place is not None:
        repository = ref.place.open()
        with repository.lock(), staging_folder(uuid.uuid4()) as staging:
            snapshot = repository.snapshot(ref.snapshot_id)
            read = read_back(repository, snapshot, staging=staging, tracker=tracker, tick=tick)
            findings = read.findings
            if ref.in_ledger:
                # Before the trust of this one is written: what it was tells what it may become again.
                damage_found(repository, read.damage, found_by=DamageFinder.VERIFY, now=timezone.now(), tick=tick)
    else:
        raise AssertionError("A backup is a snapshot or a package.")
    row = job_by_uuid(ref.job) if ref.in_ledger and ref.job is not None else None
    trust = _trust(findings, row)
    if row is not None:
        job_trust_set(row.uuid, trust)
    return Verification(ref=ref, trust=trust, findings=tuple(findings), recorded=row is not None)


@dataclasses.dataclass(frozen=True, slots=True)
class ReadBack:
    """What is wrong with a snapshot, in words, and all damage that was seen, also where it needs none of it."""

    findings: list[str]
    damage: tuple[Damage, ...]


def read_back(
    repository: Repository, snapshot: Snapshot, *, staging: Path, tracker: Tracker, tick: Callable[[], None]
) -> ReadBack:
    """What is wrong with a snapshot: every blob is read and hashed, then the dumps are compared with the manifest."""

    def progress(done: CheckProgress) -> None:
        tracker.reached(bytes_done=done.bytes_done, total_bytes=done.bytes_total)
        tick()

    tracker.begin("reading back")
    report = verify_snapshot(repository, snapshot, progress=progress)
    findings = [str(finding) for finding in report.findings if finding.severity is not Severity.NOTE]
    if not findings:
        tracker.begin("comparing with the manifest")
        tick()
        findings = verify_captured(SnapshotView(repository, snapshot), staging=staging)
    return ReadBack(findings, tuple(report.damage))


def _trust(findings: list[str], row: BackupJob | None) -> str:
    if findings:
        return Trust.DAMAGED
    # A drill proves more than reading does, and reading does not take it back.
    return Trust.PROVEN if row is not None and row.trust == Trust.PROVEN else Trust.VERIFIED
