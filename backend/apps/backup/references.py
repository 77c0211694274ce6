"""From what a user types to the backup that is meant.

`latest`, a job's uuid or an unambiguous prefix of it, a snapshot's id or prefix, a job's name, or the path of a
package. The ledger answers; where it cannot be read, or does not know, the tags of the stored snapshots do.
"""

import dataclasses
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.utils import timezone

from strongroom.errors import StrongroomError
from strongroom.format.snapshot import Snapshot

from . import presence, selectors
from .errors import AmbiguousReference, BackupError, BackupNotFound, LedgerUnavailable, StorageAbsent
from .models import BackupJob, BackupType, Trigger, Trust
from .presence import Missing, Presence
from .requests import JobRequest
from .storage import PLAIN_PACKAGE, SEALED_PACKAGE, RepositoryPlace, known_places, resolve_place

LATEST = "latest"
TAG = "edms-backup"
_PACKAGE_ENDINGS = (PLAIN_PACKAGE, SEALED_PACKAGE, ".tgz")


@dataclasses.dataclass(frozen=True, slots=True)
class BackupRef:
    """One backup: a snapshot in a repository (`place` and `snapshot_id`) or a package file (`package`).

    `job` is None for a package that the ledger does not know; `time` is when the job started, or the package was
    written. `notes` are for the user: why the ledger was not used, or that newer jobs stored nothing that is sound.
    """

    job: uuid.UUID | None
    backup_type: str
    time: datetime
    configuration_name: str = ""
    place: RepositoryPlace | None = None
    snapshot_id: str = ""
    package: Path | None = None
    in_ledger: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"package {self.package}" if self.package else f"snapshot {self.snapshot_id[:8]}"
        what = f"{self.backup_type} backup" if self.backup_type else "backup"
        return f"{what} of {self.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({where})"


def job_tag(job: BackupJob) -> str:
    """The tag that names the job which made a snapshot."""
    return f"job={job.uuid}"


def snapshot_tags(job: BackupJob) -> tuple[str, ...]:
    """The tags that let a snapshot be found without the ledger."""
    tags = [TAG, job_tag(job), f"type={job.backup_type}", f"configuration={job.configuration_name}"]
    if job.trigger == Trigger.PRE_RESTORE:
        tags.append(f"trigger={job.trigger}")
    return tuple(tags)


def tag_values(snapshot: Snapshot) -> dict[str, str] | None:
    """The facts in the tags of a snapshot of ours, or None for a snapshot of somebody else."""
    if TAG not in snapshot.tags:
        return None
    return dict(tag.split("=", 1) for tag in snapshot.tags if "=" in tag)


def resolve_backup(text: str) -> BackupRef:
    """The backup that `text` names.

    Raises `BackupNotFound`, `AmbiguousReference`, `StorageAbsent` for one that is away, or what keeps the storage from
    being read.
    """
    path = Path(text)
    if text.endswith(_PACKAGE_ENDINGS) or path.is_file():
        return package_ref(path)
    try:
        found = _in_ledger(text)
        if found is not None:
            return found
        ref = _in_repositories(text)
        note = _what_the_ledger_says(ref)
    except LedgerUnavailable as error:
        ref = _in_repositories(text)
        note = f"{error} The backup was found in the repository instead."
    return dataclasses.replace(ref, notes=(note,))


def _what_the_ledger_says(ref: BackupRef) -> str:
    """Of a backup that was found in a repository: often nothing, or that its job has failed after it was stored."""
    row = None if ref.job is None else selectors.job_by_uuid(ref.job)
    if row is None:
        return "The ledger does not know it; it was found in the repository."
    known = f"{row.status}, {row.trust}" if row.trust else row.status
    reason = f": {row.error_message}" if row.error_message else ""
    return f"It was found in the repository; for the ledger it is no good backup, but {known}{reason}"


def package_ref(path: Path) -> BackupRef:
    """The package file at `path`, whether or not the ledger knows it; raises `BackupNotFound`."""
    if not path.is_file():
        raise BackupNotFound(f"There is no package file {str(path)!r}; check the path.")
    resolved = path.resolve()
    try:
        job = selectors.job_of_package(str(resolved))
    except LedgerUnavailable:
        job = None  # a package says everything about itself
    if job is not None:
        return of_job(job)
    return BackupRef(
        job=None,
        backup_type="",
        time=datetime.fromtimestamp(resolved.stat().st_mtime, UTC),
        package=resolved,
    )


def _in_ledger(text: str) -> BackupRef | None:
    present = presence.look()
    job, notes = _latest(present) if text == LATEST else (selectors.job_matching(text), ())
    if job is None:
        return None
    if not job.snapshot_id and not job.backup_file_path:
        reason = f": {job.error_message}" if job.error_message else ""
        raise BackupNotFound(f"The job {job.uuid} ({job.job_name}) is {job.status} and stored no backup{reason}")
    if job.removal_started_at is not None:
        raise BackupNotFound(
            f"The backup of the job {job.uuid} ({job.job_name}) was removed on {job.removal_started_at:%Y-%m-%d}:"
            f" {job.removal_reason}."
        )
    missing = present.of(job)
    if missing is not None:
        raise _absent(job, missing)
    return of_job(job, notes=notes)


def _latest(present: Presence) -> tuple[BackupJob | None, tuple[str, ...]]:
    """The newest backup that is there, and what was passed over for it.

    Raises `StorageAbsent` where the storage of the newest is away: an older one elsewhere is not what is meant.
    """
    newest, passed_over = selectors.job_latest(now=timezone.now())
    missing = None if newest is None else present.of(newest)
    if newest is not None and missing is not None:
        if missing.whole:
            raise _absent(newest, missing)
        job, _ = selectors.job_latest(now=timezone.now(), without=present.absent())
        if job is None:
            raise _absent(newest, missing)
        return job, (
            f"The newest backup, {newest.job_name}, is not there. {missing.reason} This is the one before it.",
        )
    if passed_over is None:
        return newest, ()
    is_damaged = passed_over.trust == Trust.DAMAGED
    what = "DAMAGED" if is_damaged else f"{passed_over.status} and stored nothing"
    return newest, (f"The newest job, {passed_over.job_name}, is {what}: this is the newest backup before it.",)


def _absent(job: BackupJob, missing: Missing) -> StorageAbsent:
    return StorageAbsent(
        f"The backup of {job.job_name} ({job.uuid}) is not where the ledger says. {missing.reason} Mount the storage,"
        " or put back what is missing; another backup can be named by its job."
    )


def of_job(job: BackupJob, *, notes: tuple[str, ...] = ()) -> BackupRef:
    """The backup that a job of the ledger stored."""
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


def of_snapshot(place: RepositoryPlace, snapshot: Snapshot) -> BackupRef | None:
    """The backup that a snapshot is, by its tags alone; None for a snapshot of somebody else."""
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
        time=datetime.fromtimestamp(snapshot.time_ns / 1_000_000_000, UTC),
        configuration_name=values.get("configuration", ""),
        place=place,
        snapshot_id=snapshot.id,
    )


def _in_repositories(text: str) -> BackupRef:
    try:
        paths: list[str] = selectors.storage_paths()
    except LedgerUnavailable:
        paths = []  # resolve_backup tells the user
    places = known_places(paths)
    if not places:
        raise BackupNotFound(f"No backup answers to {text!r}: no repository was found under BACKUP_STORAGE_ROOT.")
    unreadable: list[BackupError | StrongroomError] = []
    candidates = list(_candidates(places, text, unreadable))
    if unreadable and (text == LATEST or not candidates):
        # The one that is meant may lie where we cannot look.
        raise unreadable[0]
    if not candidates:
        raise BackupNotFound(f"No backup answers to {text!r} in {', '.join(str(place.path) for place in places)}.")
    if text == LATEST:
        # What bears a time in the future is of a clock that was wrong.
        present = timezone.now().astimezone(UTC) + selectors.SKEW
        return max(candidates, key=lambda ref: (ref.time <= present, ref.time, ref.snapshot_id))
    if len(candidates) > 1:
        shown = ", ".join(f"{ref.job} (snapshot {ref.snapshot_id[:8]})" for ref in candidates[:5])
        raise AmbiguousReference(f"Several backups answer to {text!r}: {shown}; give more of the uuid.")
    return candidates[0]


def _candidates(
    places: Iterable[RepositoryPlace], text: str, unreadable: list[BackupError | StrongroomError]
) -> Iterator[BackupRef]:
    for place in places:
        try:
            snapshots, _ = place.open().readable_snapshots()
        except (BackupError, StrongroomError) as error:
            unreadable.append(error)
            continue
        for snapshot in snapshots:
            ref = of_snapshot(place, snapshot)
            if ref is not None and _answers(ref, snapshot, text):
                yield ref


def _answers(ref: BackupRef, snapshot: Snapshot, text: str) -> bool:
    if text == LATEST:
        return f"trigger={Trigger.PRE_RESTORE}" not in snapshot.tags
    prefix = selectors.uuid_prefix(text)
    if prefix is not None and str(ref.job).startswith(prefix):
        return True
    return len(text) >= selectors.SHORTEST_PREFIX and ref.snapshot_id.startswith(text.lower())
