"""The work of one job: store the data of a consistency point as a snapshot or a package, and verify it."""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from strongroom.archiver import ArchiveOptions, ArchiveProgress, archive
from strongroom.errors import AppendOnly, Damaged
from strongroom.format.snapshot import Snapshot
from strongroom.packages import remove_leftovers
from strongroom.passphrase import Passphrase, read_passphrase
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock
from strongroom.snapshots import SnapshotView

from ..backups.package_keys import new_mark
from ..backups.packages import write_package
from ..backups.passphrase_check import require_proven
from ..backups.references import snapshot_tags
from ..backups.siblings import newest_first, snapshots_of
from ..backups.verify import ReadBack, read_back
from ..core.manifest import Manifest, ManifestInvalid, decode
from ..core.paths import file_name
from ..core.progress import Tracker
from ..models import BackupJob, DamageFinder, DamageKind, Trigger
from ..policies.job_request import JobRequest
from ..selectors import files_before, root_was_filled, rows_before
from ..selectors.damages import as_damage, damage_known
from ..services.damage_records import damage_note, damaged_files_note
from ..services.damages import damage_settle
from ..services.job_results import JobResult, manifest_facts, summary_facts
from ..services.repositories import repository_for_job
from ..sources.consistency_point import CaptureSpec, ConsistencyPoint, open_consistency_point
from ..sources.rehearsals import Rehearsals, rehearse_all
from ..sources.streams import DumpPlace
from ..sources.verify import SnapshotPlace, read_manifest
from ..storage.locations import PACKAGES, PLAIN_PACKAGE, SEALED_PACKAGE, RepositoryPlace, choose_place
from ..storage.packages import is_package_folder
from ..storage.private_files import make_private_folder
from ..storage.repository_locks import lock_patiently
from ..storage.staging import staging_folder
from .parent import choose_parent

ROOT = "/edms"
"""The path of all snapshots; restic groups snapshots by it."""

_FURTHER_PASSES = 2
_PASSED_AGAIN = (
    "Files were deleted between the consistency point and their reading, so that another pass was made. A storage with"
    " `DeferredDeletes` keeps them for the backup."
)

_CLOCK_MARGIN = 5.0
"""Seconds by which the clock of a file system may differ from ours."""
_LOCK_PATIENCE = 3600.0
"""Seconds that a scheduled job waits for a prune, which may take long in a large repository."""


class _DeletedMeanwhile(Exception):
    """The application has deleted files that the package names; another pass keeps them."""


@dataclasses.dataclass(frozen=True, slots=True)
class _SnapshotTarget:
    """The locked repository of a snapshot, with the request and the folder for working files."""

    repository: Repository
    place: RepositoryPlace
    request: JobRequest
    staging: Path
    lock: RepositoryLock


@dataclasses.dataclass(slots=True)
class Capture:
    """The work of one job. `stored` is set as soon as a restore point exists, also if a later step fails."""

    job: BackupJob
    tracker: Tracker
    fence: Callable[[], None]
    """Asks the catalogue, and raises if another process decided about the job. Called right before the publication;
    from then on signals wait."""
    published: Callable[[], None]
    """Called when `stored` has the published backup. Raises the signal that has waited."""
    check: Callable[[], None]
    """Raises if the job must end, as far as its heartbeat knows. Cheap, so that it is called often."""
    stored: JobResult | None = None
    repository: int | None = None
    """The primary key of the snapshot's repository."""
    manifest: Manifest | None = None
    """The manifest of the backup that this attempt has stored."""
    positions: dict[str, str] = dataclasses.field(default_factory=dict)
    """The positions of the servers at the consistency point, as `ConsistencyPoint` has them."""
    is_damaged: bool = False
    """Whether verification found that the stored backup differs from its source."""

    def run(self) -> list[str]:
        """Make the backup, verify it, and return the findings of the verification. The result is in `stored`."""
        request = JobRequest.from_json(self.job.backup_type, self.job.settings)
        return self._package(request) if request.makes_package else self._snapshot(request)

    def _spec(
        self, request: JobRequest, staging: Path, *, recalls: bool = False, links_since: float | None = None
    ) -> CaptureSpec:
        return CaptureSpec(
            job_uuid=self.job.uuid,
            job_name=self.job.job_name,
            configuration_name=self.job.configuration_name,
            started_at=self.job.started_at or timezone.now(),
            include=request.include,
            exclude=request.exclude,
            encrypted=request.encryption,
            staging=staging,
            held_before=files_before(self.job),
            rows_before=rows_before(self.job),
            was_filled=root_was_filled,
            recalls=recalls,
            links_since=links_since,
        )

    def _snapshot(self, request: JobRequest) -> list[str]:
        place = choose_place(request.storage_path, encrypted=request.encryption)
        self.tracker.begin("opening the repository")
        stored = repository_for_job(self.job, place, may_begin=request.new_repository, now=timezone.now())
        self.repository, repository = stored.row.pk, stored.repository
        with self._lock(repository) as lock, staging_folder(self.job.uuid) as staging:
            target = _SnapshotTarget(repository, place, request, staging, lock)
            snapshot = self._snapshot_of_earlier_attempt(repository) or self._store(target)
            read = read_back(repository, snapshot, staging=staging, tracker=self.tracker, tick=self.check)
            if read.damage:
                damage_note(repository, read.damage, found_by=DamageFinder.BACKUP, now=timezone.now())
            if read.findings and read.damage:
                read = self._store_again(target, snapshot, read)
            self.is_damaged = bool(read.findings)
            if self.job.attempt > 1:
                self._retract_others(repository)
            if not read.findings:
                self._rehearse_snapshot(repository)
            damage_settle(repository, found_by=DamageFinder.BACKUP, now=timezone.now(), tick=self.check)
            return read.findings

    def _store_again(self, target: _SnapshotTarget, bad: Snapshot, read: ReadBack) -> ReadBack:
        """Read the sources again, store the damaged content again, and return the result of the second verification.

        The damaged snapshot is removed when the new one is stored: a job has one backup.
        """
        self.is_damaged = True
        snapshot = self._store(target, note=_stored_again_note(read))
        with contextlib.suppress(AppendOnly):
            target.repository.retract_snapshot(bad.id)
        return read_back(target.repository, snapshot, staging=target.staging, tracker=self.tracker, tick=self.check)

    def _rehearse_snapshot(self, repository: Repository) -> None:
        """Rehearse the restore of the stored snapshot, which is the second one where damage was found."""
        if self.stored is None:
            raise AssertionError("Only a stored backup is rehearsed.")
        place = SnapshotPlace(SnapshotView(repository, repository.snapshot(self.stored.snapshot_id)))
        rehearsals = self._rehearse(place, read_manifest(place))
        self.stored = dataclasses.replace(self.stored, rehearsals=rehearsals)

    def _rehearse(self, place: DumpPlace, manifest: Manifest) -> Rehearsals:
        self.tracker.begin("rehearsing the restore")
        self.check()
        return rehearse_all(place, manifest)

    def _lock(self, repository: Repository) -> RepositoryLock:
        """Take a shared lock. A scheduled job waits for the end of a prune; a manual one fails at once."""

        def waiting() -> None:
            self.tracker.begin("waiting for the repository's lock")
            self.check()

        patience = _LOCK_PATIENCE if self.job.trigger == Trigger.SCHEDULED else 0.0
        return lock_patiently(repository, seconds=patience, waiting=waiting)

    def _store(self, target: _SnapshotTarget, *, note: str = "") -> Snapshot:
        """Store a snapshot, in further passes if the application deletes files before they are read.

        A further pass has a new consistency point, and has those files from the pass before.
        """
        parent, warnings = choose_parent(self.job, target.place, target.repository)
        warnings += [note] if note else []
        since = time.time() - _CLOCK_MARGIN
        snapshot, again = self._store_once(target, parent, warnings)
        for _ in range(_FURTHER_PASSES):
            if not again:
                break
            before, first = snapshot, self.stored
            snapshot, again = self._store_once(target, before, [*warnings, _PASSED_AGAIN], links_since=since)
            self.stored = _combined(first, self.stored)
            with contextlib.suppress(AppendOnly):
                target.repository.retract_snapshot(before.id)
        return snapshot

    def _store_once(
        self, target: _SnapshotTarget, parent: Snapshot | None, warnings: list[str], *, links_since: float | None = None
    ) -> tuple[Snapshot, bool]:
        """Make one pass; return the snapshot, and whether another pass can be more complete.

        `links_since` is the start of the first pass, None in the first pass itself.
        """
        repository, request = target.repository, target.request
        known = damage_known(repository)

        def before_publish() -> None:
            target.lock.check()
            self.fence()

        self.tracker.begin("opening the sources")
        spec = self._spec(request, target.staging, recalls=links_since is not None, links_since=links_since)
        with open_consistency_point(self.job.backup_type, spec=spec) as point:
            options = ArchiveOptions(
                paths=(ROOT,),
                tags=snapshot_tags(self.job),
                parent=parent,
                compression=request.compression,
                before_publish=before_publish,
                on_problem=point.note_unread,
                distrusted=[as_damage(row) for row in known if row.kind != DamageKind.HEADER],
            )
            self.stored = self._archive(repository, point, options, warnings)
            self.published()
            again = point.lacks_deleted_files()
        return repository.snapshot(self.stored.snapshot_id), again

    def _snapshot_of_earlier_attempt(self, repository: Repository) -> Snapshot | None:
        """Adopt the snapshot that an interrupted earlier attempt had stored, if there is one: a job has one backup."""
        if self.job.attempt <= 1:
            return None
        for snapshot in newest_first(snapshots_of(repository, [self.job.uuid])):
            # One with a damaged manifest is replaced and removed.
            with contextlib.suppress(Damaged, ManifestInvalid):
                return self._adopt(snapshot, read_manifest(SnapshotPlace(SnapshotView(repository, snapshot))))
        return None

    def _adopt(self, snapshot: Snapshot, manifest: Manifest) -> Snapshot:
        unread = [("", f"{manifest.problems} problems of the interrupted attempt, whose names are lost")]
        self.stored = JobResult(
            repository=self.repository,
            snapshot_id=snapshot.id,
            **summary_facts(snapshot.summary),
            manifest=manifest_facts(manifest),
            warnings=[
                "An earlier attempt was interrupted after it had stored this backup; this attempt has verified it."
            ],
            problems=unread if manifest.problems else [],
        )
        return snapshot

    def _retract_others(self, repository: Repository) -> None:
        """Remove other snapshots of earlier attempts: a job has one backup."""
        if self.stored is None:
            raise AssertionError("Each attempt that comes here has stored something.")
        for one in snapshots_of(repository, [self.job.uuid]):
            if one.id != self.stored.snapshot_id:
                with contextlib.suppress(AppendOnly):
                    repository.retract_snapshot(one.id)

    def _archive(
        self, repository: Repository, point: ConsistencyPoint, options: ArchiveOptions, warnings: list[str]
    ) -> JobResult:
        self.tracker.begin("storing", total_bytes=point.bytes_to_read(with_holes=False))
        done = archive(repository, point.entries(titles=True), options, progress=self._report_archived)
        self.manifest, self.positions = point.manifest(), point.positions
        now, finder = timezone.now(), DamageFinder.BACKUP
        damage_note(repository, done.unsound, found_by=finder, now=now)
        damaged_files_note(repository, DamageKind.INDEX, done.damaged_indexes, found_by=finder, now=now)
        return JobResult(
            repository=self.repository,
            snapshot_id=done.snapshot.id,
            **summary_facts(done.summary),
            manifest=manifest_facts(self.manifest),
            warnings=[*warnings, *done.notes, *point.notes],
            problems=_problems(point),
        )

    def _package(self, request: JobRequest) -> list[str]:
        passphrase = self._passphrase(request)
        path = package_path(self.job, request)
        if self.job.attempt > 1 and not request.output:
            # Complete or not, an earlier attempt was interrupted before it had verified it.
            path.unlink(missing_ok=True)
        make_private_folder(path.parent.resolve())
        if is_package_folder(path.parent):
            remove_leftovers(path.parent)
        with staging_folder(self.job.uuid) as staging:
            for left in range(_FURTHER_PASSES, -1, -1):
                again = left < _FURTHER_PASSES
                spec = self._spec(request, staging, links_since=0.0 if again else None)
                with contextlib.suppress(_DeletedMeanwhile):
                    self._package_once(path, spec, passphrase, compression=request.compression, again=again, left=left)
                    break
        # It was verified before it got its name.
        return []

    def _package_once(
        self, path: Path, spec: CaptureSpec, passphrase: Passphrase | None, *, compression: bool, again: bool, left: int
    ) -> None:
        """Make one pass. Raises `_DeletedMeanwhile`, and writes nothing, if another pass can be more complete.

        `left` is the number of passes that are left.
        """
        self.tracker.begin("opening the sources")
        with open_consistency_point(self.job.backup_type, spec=spec) as point:
            self.tracker.begin("writing the package", total_bytes=point.bytes_to_read(with_holes=True))
            rehearsals: list[Rehearsals] = []

            def reading(files: int, size: int) -> None:
                if not files and not size and left and point.lacks_deleted_files():
                    raise _DeletedMeanwhile
                self._report_verified(files, size)

            written = write_package(
                path,
                point,
                passphrase=passphrase,
                compression=compression,
                progress=self._report_progress,
                reading=reading,
                rehearse=lambda package: rehearsals.append(self._rehearse(package, decode(package.manifest))),
                before_publish=self.fence,
            )
            self.manifest, self.positions = point.manifest(), point.positions
            self.stored = JobResult(
                backup_file_path=str(path),
                checksum=written.sha256,
                sealed_with=new_mark(passphrase) if passphrase is not None else "",
                backup_size=written.content_bytes,
                stored_size=written.size,
                new_files=written.files,
                changed_files=0,
                unchanged_files=0,
                manifest=manifest_facts(self.manifest),
                warnings=[*([_PASSED_AGAIN] if again else []), *point.notes, *written.notes],
                problems=_problems(point),
                rehearsals=rehearsals[0] if rehearsals else Rehearsals(),
            )
            self.published()

    def _passphrase(self, request: JobRequest) -> Passphrase | None:
        """Return the package's passphrase. It is proved first, because nothing would show later that it is wrong."""
        if not request.encryption:
            return None
        passphrase, place = read_passphrase(), choose_place(request.storage_path, encrypted=True)
        by_hand = self.job.trigger in {Trigger.MANUAL, Trigger.PRE_RESTORE}
        require_proven(passphrase, place.storage, by_hand=by_hand)
        return passphrase

    def _report_verified(self, files: int, size: int) -> None:
        if not files:
            self.tracker.begin("verifying")
        self._report_progress(files, size)

    def _report_archived(self, done: ArchiveProgress) -> None:
        self._report_progress(done.files_done, done.bytes_done)

    def _report_progress(self, files: int, size: int) -> None:
        self.tracker.reached(files=files, bytes_done=size)
        self.check()


def package_path(job: BackupJob, request: JobRequest) -> Path:
    """Return the path of the job's package: the requested one, or a unique one beside the repositories.

    A configuration's name may hold any character, and two jobs may be created within one second.
    """
    if request.output:
        return Path(request.output)
    place = choose_place(request.storage_path, encrypted=False)
    ending = SEALED_PACKAGE if request.encryption else PLAIN_PACKAGE
    return place.storage / PACKAGES / file_name(f"{job.job_name}-{job.uuid.hex[:8]}{ending}")


def _combined(first: JobResult | None, last: JobResult | None) -> JobResult:
    """Return the result of the last pass, with the file counts of the first: to the last these files are unchanged."""
    if first is None or last is None:
        raise AssertionError("Each pass has stored something.")
    return dataclasses.replace(
        last,
        stored_size=(first.stored_size or 0) + (last.stored_size or 0),
        new_files=first.new_files,
        changed_files=first.changed_files,
        unchanged_files=first.unchanged_files,
    )


def _stored_again_note(read: ReadBack) -> str:
    return (
        f"The verification found damage ({len(read.damage)} packs or blobs, the first: {read.damage[0].reason}), so"
        " that everything was read again and the damaged content was stored again."
    )


def _problems(point: ConsistencyPoint) -> list[tuple[str, str]]:
    """Return the missing and the unreadable parts of the sources, each with its reason."""
    return [(problem.path, problem.reason) for problem in point.problems]
