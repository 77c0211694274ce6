"""Rebuild the job rows of the catalogue from the repositories and packages.

The storage is the truth; the catalogue mirrors it. After the catalogue was lost, or was put back to an older state,
each snapshot with our tag that has no row gets one again.
"""

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from strongroom.errors import StrongroomError
from strongroom.format.snapshot import Snapshot
from strongroom.packages import open_package
from strongroom.repair.snapshots import is_repaired
from strongroom.repository import Repository
from strongroom.snapshots import SnapshotView

from ..core.manifest import Manifest, decode
from ..core.timezones import as_stored
from ..errors import BackupError
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, DamageFinder, JobStatus, Trigger, Trust
from ..policies.job_request import JobRequest
from ..selectors import HAS_BACKUP, STORED_STATUSES, storage_paths
from ..services.audit import AuditObject, audit_record
from ..services.damages import damage_settle
from ..services.dead_jobs import job_reap
from ..services.job_log import job_event
from ..services.job_results import manifest_facts, summary_facts
from ..services.jobs import audited
from ..services.removals import removal_begin, removal_done
from ..services.repositories import repository_enter
from ..sources.verify import SnapshotPlace, read_manifest
from ..storage.locations import SEALED_PACKAGE, RepositoryPlace, known_places
from ..storage.packages import known_packages
from ..storage.passphrase import current_passphrase
from .package_keys import new_mark
from .presence import Presence, find_presence
from .references import TAG, snapshot_ref, time_of
from .siblings import LOST, choose_sibling

_NOTE = "This row was rebuilt from the storage. The backup was not verified since (manage.py verify_backup)."


@dataclasses.dataclass(slots=True)
class CatalogueReport:
    """The result of a rebuild, as uuids of jobs; `unreadable` names each repository or package that could not be opened
    or read, with the reason."""

    created: list[str] = dataclasses.field(default_factory=list)
    updated: list[str] = dataclasses.field(default_factory=list)
    unchanged: int = 0
    missing: list[str] = dataclasses.field(default_factory=list)
    """Jobs whose snapshot or package is not where the catalogue says; their rows are left as they are."""
    lost: list[str] = dataclasses.field(default_factory=list)
    """One text for each of them: the job, what is missing, and why."""
    unreadable: list[str] = dataclasses.field(default_factory=list)
    spare: list[str] = dataclasses.field(default_factory=list)
    """One text for each further snapshot of a job: the catalogue has another one, and a job has one backup."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Stored:
    """A backup as its storage describes it. `is_repaired`: lost files were left out of it.

    `is_gone` takes the snapshot id of a row and returns whether the repository lacks it; None for a package.
    """

    job: uuid.UUID
    manifest: Manifest
    request: JobRequest
    trigger: str
    completed_at: datetime
    columns: dict[str, object]
    is_repaired: bool = False
    is_gone: Callable[[str], bool] | None = None


def catalogue_rebuild(known: Mapping[Path, Manifest] | None = None) -> CatalogueReport:
    """Enter each stored backup that the catalogue does not know, or knows as unfinished. Deletes nothing.

    `known` maps packages that have just been read, at any path, to their manifests. A repository or package that cannot
    be opened is in the report; the others are entered. Raises `LedgerUnavailable`.
    """
    now = timezone.now()
    report = CatalogueReport()
    job_reap(now=now)
    paths = storage_paths()
    for place in known_places(paths):
        try:
            repository = place.open()
            with repository.lock(optional=True):
                present, unreadable = repository.readable_snapshots()
                report.unreadable += [f"{place.path}: {fault}" for fault in unreadable]
                ours = [snapshot for snapshot in present if TAG in snapshot.tags]
                if not ours:
                    # A row would make it a known repository: jobs would store into it instead of one that is away.
                    continue
                row = repository_enter(repository, place, now=now)
                for stored, others in _in_repository(repository, place, row.pk, ours=ours, report=report):
                    named = _enter(stored, report, begun_at=now)
                    report.spare += [_spare(place, one, stored.job) for one in others if one.id != named]
                if any(map(is_repaired, present)):
                    damage_settle(repository, found_by=DamageFinder.VERIFY, now=now)
        except (BackupError, StrongroomError) as error:
            report.unreadable.append(f"{place.path}: {error}")
    for path, manifest in (known or {}).items():
        _enter(_of_package(path, manifest), report, begun_at=now, ended=True)
    for path in known_packages(paths):
        if known and path in known:
            continue
        try:
            stored = _in_package(path)
        except (BackupError, StrongroomError) as error:
            report.unreadable.append(f"{path}: {error}")
        else:
            _enter(stored, report, begun_at=now)
    _note_missing(find_presence(), report)
    audit_record(
        "catalogue.rebuild",
        AuditObject("catalogue"),
        details={"created": len(report.created), "updated": len(report.updated)},
    )
    return report


def _in_repository(
    repository: Repository, place: RepositoryPlace, row: int, *, ours: Iterable[Snapshot], report: CatalogueReport
) -> Iterable[tuple[_Stored, list[Snapshot]]]:
    """Yield the backup of each job, and all snapshots of that job."""
    of_jobs: dict[uuid.UUID, list[Snapshot]] = {}
    for snapshot in ours:
        ref = snapshot_ref(place, snapshot)
        if ref is None or ref.job is None:
            report.unreadable.append(f"{place.path}: snapshot {snapshot.id[:8]} has our tag but names no job")
        else:
            of_jobs.setdefault(ref.job, []).append(snapshot)
    snapshot_ids = {snapshot.id for snapshots in of_jobs.values() for snapshot in snapshots}
    index = repository.load_index() if of_jobs else None
    for job, snapshots in of_jobs.items():
        snapshot = choose_sibling(repository, snapshots)
        try:
            manifest = read_manifest(SnapshotPlace(SnapshotView(repository, snapshot, index)))
        except (BackupError, StrongroomError) as error:
            report.unreadable.append(f"{place.path}: snapshot {snapshot.id[:8]}: {error}")
            continue
        summary = snapshot.summary
        stored = _Stored(
            job=job,
            manifest=manifest,
            request=_request(manifest, place.storage, encryption=place.encrypted),
            trigger=Trigger.PRE_RESTORE if f"trigger={Trigger.PRE_RESTORE}" in snapshot.tags else Trigger.MANUAL,
            completed_at=datetime.fromisoformat(summary.backup_end) if summary else time_of(snapshot),
            columns={"repository_id": row, "snapshot_id": snapshot.id, **summary_facts(summary)},
            is_repaired=is_repaired(snapshot),
            is_gone=lambda name: name not in snapshot_ids,
        )
        yield stored, snapshots


def _spare(place: RepositoryPlace, snapshot: Snapshot, job: uuid.UUID) -> str:
    return (
        f"{place.path}: snapshot {snapshot.id[:8]} of the job {job}, which has another backup. It goes with that one;"
        f" to remove it now: strongroom forget {snapshot.id[:8]}"
    )


def _in_package(path: Path) -> _Stored:
    stored = _of_package(path, decode(open_package(path).manifest))
    mark = new_mark(current_passphrase()) if path.name.endswith(SEALED_PACKAGE) else ""
    return dataclasses.replace(stored, columns={**stored.columns, "sealed_with": mark})


def _of_package(path: Path, manifest: Manifest) -> _Stored:
    state = path.stat()
    request = _request(manifest, path.parent.parent, encryption=path.name.endswith(SEALED_PACKAGE))
    return _Stored(
        job=uuid.UUID(manifest.job.uuid),
        manifest=manifest,
        request=dataclasses.replace(request, output=str(path)),
        trigger=Trigger.MANUAL,
        completed_at=datetime.fromtimestamp(state.st_mtime, UTC),
        columns={"backup_file_path": str(path), "stored_size": state.st_size},
    )


def _request(manifest: Manifest, storage: Path, *, encryption: bool) -> JobRequest:
    return JobRequest(
        backup_type=manifest.job.type,
        storage_path=RepositoryPlace(storage, encryption).storage_path,
        encryption=encryption,
    )


def _enter(stored: _Stored, report: CatalogueReport, *, begun_at: datetime, ended: bool = False) -> str:
    """Enter a backup, and return the id of the snapshot that the catalogue then has for its job.

    `begun_at` is a time before the storage was listed.
    """
    with ledger_access("entering a stored backup"), transaction.atomic(using=ledger_alias()):
        rows = BackupJob.objects.using(ledger_alias())
        row = rows.filter(uuid=stored.job).first()
        if row is None:
            _create(stored)
            report.created.append(str(stored.job))
            return str(stored.columns.get("snapshot_id", ""))
        # A running job writes its own result, unless it is known to have `ended`. A row that names its backup knows
        # more than the storage does.
        running = [JobStatus.RUNNING] if ended else []
        unfinished = Q(
            snapshot_id="",
            backup_file_path="",
            status__in=[JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMEOUT, *running],
        )
        renewed = Q(snapshot_id=row.snapshot_id, repository_id=stored.columns.get("repository_id"))
        if row.snapshot_id and stored.is_gone is not None and stored.is_gone(row.snapshot_id):
            # The snapshot of the row was forgotten, and a repaired snapshot of the same job is left.
            unfinished |= renewed & Q(removal_started_at=None, status__in=STORED_STATUSES)
        if rows.filter(unfinished, uuid=stored.job).update(error_message="", **_state(stored)):
            report.updated.append(str(stored.job))
            return str(stored.columns.get("snapshot_id", ""))
        if _offer_again(row, stored, begun_at):
            report.updated.append(str(stored.job))
            return row.snapshot_id
        report.unchanged += 1
        return row.snapshot_id


def _offer_again(row: BackupJob, stored: _Stored, begun_at: datetime) -> bool:
    """Offer a backup again that exists although it was marked as removed before the storage was listed.

    That happens when its storage was away and it was called lost, or when an older copy of the storage was put back.
    Retention decides on it as before. Returns whether the row was such a backup.
    """
    same = {name: stored.columns.get(name, "") for name in ("snapshot_id", "backup_file_path")}
    rows = BackupJob.objects.using(ledger_alias()).filter(pk=row.pk, removed_at__lt=begun_at, **same)
    if not rows.update(removal_started_at=None, removed_at=None, removal_reason=""):
        return False
    job_event(
        row.uuid,
        f"The backup is in the storage, and is offered again. It was removed: {row.removal_reason}.",
        now=begun_at,
    )
    audit_record("backup.found", audited(row), details={"removed_for": row.removal_reason})
    return True


def _create(stored: _Stored) -> None:
    job = stored.manifest.job
    configuration = BackupConfiguration.objects.using(ledger_alias()).filter(name=job.configuration).first()
    BackupJob(
        uuid=stored.job,
        configuration=configuration,
        configuration_name=job.configuration,
        settings=stored.request.to_json(),
        job_name=job.name,
        backup_type=job.type,
        trigger=stored.trigger,
        queued_at=as_stored(job.started_at),
        started_at=as_stored(job.started_at),
        **_state(stored),
    ).save(force_insert=True, using=ledger_alias())


def _state(stored: _Stored) -> dict[str, object]:
    missing = stored.manifest.problems + stored.is_repaired
    return {
        "status": JobStatus.INCOMPLETE if missing else JobStatus.COMPLETED,
        "trust": Trust.STORED,
        "completed_at": as_stored(stored.completed_at),
        "manifest": manifest_facts(stored.manifest),
        "problem_count": missing,
        "problems": [{"path": "", "reason": LOST}] if stored.is_repaired else [],
        "warnings": [_NOTE],
        **stored.columns,
    }


def _note_missing(present: Presence, report: CatalogueReport) -> None:
    with ledger_access("comparing the catalogue with the storage"):
        rows = BackupJob.objects.using(ledger_alias()).filter(HAS_BACKUP, present.lost()).order_by("-started_at")
        for job in rows.defer("manifest", "problems"):
            missing = present.missing_of(job)
            if missing is not None:
                report.missing.append(str(job.uuid))
                report.lost.append(f"{job.job_name} ({job.uuid}): {missing.reason}")


def missing_forget(*, now: datetime) -> list[str]:
    """Mark the backups that no storage holds as removed, and return the uuids of their jobs. The rows stay.

    Pinned backups, and those that a restore needs, are left as they are. Raises `LedgerUnavailable`.
    """
    present = find_presence()
    with ledger_access("looking for what is lost"):
        rows = list(BackupJob.objects.using(ledger_alias()).filter(HAS_BACKUP, present.lost()))
    reasons = {job.uuid: f"lost: {missing.reason}" for job in rows if (missing := present.missing_of(job)) is not None}
    gone = removal_begin(reasons, now=now)
    removal_done(gone, now=now)
    return [str(job.uuid) for job in gone]
