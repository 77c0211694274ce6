"""References to backups: from a job, from a snapshot with its tags, or from a package file."""

import dataclasses
import uuid
from datetime import UTC, datetime
from pathlib import Path

from strongroom.format.snapshot import Snapshot
from strongroom.repair.snapshots import REPAIRED

from .. import selectors
from ..errors import BackupNotFound, LedgerUnavailable
from ..models import BackupJob, BackupType, Trigger
from ..policies.job_request import JobRequest
from ..storage.locations import RepositoryPlace, resolve_place

TAG = "edms-backup"


@dataclasses.dataclass(frozen=True, slots=True)
class BackupRef:
    """One backup: a snapshot in a repository (`place` and `snapshot_id`) or a package file (`package`).

    `job` is None for a package that the catalogue does not know. `time` is when the job started, or the package was
    written. `lacks_lost`: a repair left files out of it because their content is lost. `notes` are for the user: why
    the catalogue was not used, or why newer backups were passed over.
    """

    job: uuid.UUID | None
    backup_type: str
    time: datetime
    configuration_name: str = ""
    place: RepositoryPlace | None = None
    snapshot_id: str = ""
    package: Path | None = None
    in_ledger: bool = False
    lacks_lost: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"package {self.package}" if self.package else f"snapshot {self.snapshot_id[:8]}"
        what = f"{self.backup_type} backup" if self.backup_type else "backup"
        return f"{what} of {self.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({where})"


def job_tag_of(job: uuid.UUID) -> str:
    """Return the tag that names the job which made a snapshot."""
    return f"job={job}"


def snapshot_tags(job: BackupJob) -> tuple[str, ...]:
    """Return the tags by which a snapshot is found without the catalogue."""
    tags = [TAG, job_tag_of(job.uuid), f"type={job.backup_type}", f"configuration={job.configuration_name}"]
    if job.trigger == Trigger.PRE_RESTORE:
        tags.append(f"trigger={job.trigger}")
    return tuple(tags)


def time_of(snapshot: Snapshot) -> datetime:
    """Return when the snapshot was begun."""
    return datetime.fromtimestamp(snapshot.time_ns / 1_000_000_000, UTC)


def tag_values(snapshot: Snapshot) -> dict[str, str] | None:
    """Return the facts in the tags of a snapshot of this application, or None for a snapshot of another program."""
    if TAG not in snapshot.tags:
        return None
    return dict(tag.split("=", 1) for tag in snapshot.tags if "=" in tag)


def package_ref(path: Path) -> BackupRef:
    """Return the package file at `path`, also if the catalogue does not know it. Raises `BackupNotFound`."""
    if not path.is_file():
        raise BackupNotFound(f"There is no package file {str(path)!r}; check the path.")
    resolved = path.resolve()
    try:
        job = selectors.job_of_package(str(resolved))
    except LedgerUnavailable:
        job = None  # a package says everything about itself
    if job is not None:
        return job_ref(job)
    return BackupRef(
        job=None,
        backup_type="",
        time=datetime.fromtimestamp(resolved.stat().st_mtime, UTC),
        package=resolved,
    )


def job_ref(job: BackupJob, *, notes: tuple[str, ...] = ()) -> BackupRef:
    """Return the backup that a job of the catalogue stored."""
    request = JobRequest.from_json(job.backup_type, job.settings)
    package = Path(job.backup_file_path) if job.backup_file_path else None
    return BackupRef(
        job=job.uuid,
        backup_type=job.backup_type,
        time=job.started_at or job.queued_at,
        configuration_name=job.configuration_name,
        place=None if package else resolve_place(request.storage_path, encrypted=request.encryption),
        snapshot_id=job.snapshot_id,
        package=package,
        in_ledger=True,
        notes=notes,
    )


def snapshot_ref(place: RepositoryPlace, snapshot: Snapshot) -> BackupRef | None:
    """Return the backup that the tags of a snapshot describe; None for a snapshot of another program."""
    values = tag_values(snapshot)
    if values is None or values.get("type") not in BackupType.values:
        return None
    try:
        job = uuid.UUID(values.get("job", ""))
    except ValueError:
        return None
    return BackupRef(
        job=job,
        backup_type=values["type"],
        time=time_of(snapshot),
        configuration_name=values.get("configuration", ""),
        place=place,
        snapshot_id=snapshot.id,
        lacks_lost=REPAIRED in snapshot.tags,
    )
