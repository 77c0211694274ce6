"""The work of one job: the cut to a snapshot or a package, read back before it counts."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from strongroom.archiver import ArchiveOptions, ArchiveProgress, archive
from strongroom.format.snapshot import Snapshot
from strongroom.packages import remove_leftovers
from strongroom.passphrase import Passphrase, read_passphrase
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock
from strongroom.snapshots import SnapshotView

from .manifest import Manifest, decode
from .models import BackupJob, Trigger
from .names import file_name
from .packages import write_package
from .parents import choose_parent
from .passphrases import require_proven
from .progress import Tracker
from .references import job_tag, snapshot_tags
from .requests import JobRequest
from .schema.rehearsal import Rehearsals, rehearse_all
from .selectors import files_before
from .services.results import JobResult, manifest_facts, summary_facts
from .services.storages import repository_for_job
from .sources import Cut, CutSpec, open_cut, read_manifest
from .sources.verify import DumpPlace, SnapshotPlace
from .staging import staging_folder
from .storage import (
    PACKAGES,
    PLAIN_PACKAGE,
    SEALED_PACKAGE,
    RepositoryPlace,
    choose_place,
    is_package_folder,
    lock_patiently,
    make_private_folder,
)
from .verification import read_back

ROOT = "/edms"
"""The path under which snapshots are filed; restic groups by it."""

_LOCK_PATIENCE = 3600.0
"""Seconds: as long as a prune of a large repository may take."""


@dataclasses.dataclass(slots=True)
class Capture:
    """One job's work. `stored` is set as soon as a restore point exists, whatever happens after it."""

    job: BackupJob
    tracker: Tracker
    fence: Callable[[], None]
    """Raises if the job is no longer ours; asks the ledger, called right before anything is published. From then on
    signals wait."""
    published: Callable[[], None]
    """Called when what was published is in `stored`; raises what has waited."""
    check: Callable[[], None]
    """Raises if the job is known to be no longer ours; cheap, called all the time."""
    stored: JobResult | None = None
    repository: int | None = None
    """The primary key of the repository that the snapshot goes to."""

    def run(self) -> list[str]:
        """Make the backup and read it back; what the reading found wrong. The result is in `stored`."""
        request = JobRequest.from_json(self.job.backup_type, self.job.settings)
        return self._package(request) if request.makes_package else self._snapshot(request)

    def _spec(self, request: JobRequest, staging: Path) -> CutSpec:
        return CutSpec(
            job_uuid=self.job.uuid,
            job_name=self.job.job_name,
            configuration_name=self.job.configuration_name,
            started_at=self.job.started_at or timezone.now(),
            include=request.include,
            exclude=request.exclude,
            encrypted=request.encryption,
            staging=staging,
            held_before=files_before(self.job),
        )

    def _snapshot(self, request: JobRequest) -> list[str]:
        place = choose_place(request.storage_path, encrypted=request.encryption)
        self.tracker.begin("opening the repository")
        stored = repository_for_job(self.job, place, may_begin=request.new_repository, now=timezone.now())
        self.repository, repository = stored.row.pk, stored.repository
        with self._lock(repository) as lock, staging_folder(self.job.uuid) as staging:
            snapshot = self._left_by_earlier_attempt(repository)
            if snapshot is None:

                def before_publish() -> None:
                    lock.check()
                    self.fence()

                snapshot = self._store(
                    repository, place, request=request, staging=staging, before_publish=before_publish
                )
            findings = read_back(repository, snapshot, staging=staging, tracker=self.tracker, tick=self.check)
            if not findings:
                read = SnapshotPlace(SnapshotView(repository, snapshot))
                self._note(self._rehearse(read, read_manifest(read)))
            return findings

    def _rehearse(self, place: DumpPlace, manifest: Manifest) -> Rehearsals:
        self.tracker.begin("rehearsing the restore")
        self.check()
        return rehearse_all(place, manifest)

    def _note(self, rehearsals: Rehearsals) -> None:
        if self.stored is None:
            raise AssertionError("What is rehearsed is stored.")
        self.stored = dataclasses.replace(self.stored, rehearsals=rehearsals)

    def _lock(self, repository: Repository) -> RepositoryLock:
        """A shared lock. A scheduled job waits for it while somebody prunes; whoever asks by hand is told at once."""

        def waiting() -> None:
            self.tracker.begin("waiting for the repository's lock")
            self.check()

        patience = _LOCK_PATIENCE if self.job.trigger == Trigger.SCHEDULED else 0.0
        return lock_patiently(repository, seconds=patience, waiting=waiting)

    def _store(
        self,
        repository: Repository,
        place: RepositoryPlace,
        *,
        request: JobRequest,
        staging: Path,
        before_publish: Callable[[], None],
    ) -> Snapshot:
        parent, warnings = choose_parent(self.job, place, repository)
        self.tracker.begin("opening the sources")
        with open_cut(self.job.backup_type, spec=self._spec(request, staging)) as cut:
            options = ArchiveOptions(
                paths=(ROOT,),
                tags=snapshot_tags(self.job),
                parent=parent,
                compression=request.compression,
                before_publish=before_publish,
                on_problem=cut.note_unread,
            )
            self.stored = self._archive(repository, cut, options, warnings)
            self.published()
        return repository.snapshot(self.stored.snapshot_id)

    def _left_by_earlier_attempt(self, repository: Repository) -> Snapshot | None:
        """The snapshot that an earlier attempt had stored when it was cut off: a job never stores two."""
        if self.job.attempt <= 1:
            return None
        tag = job_tag(self.job)
        snapshot = next((one for one in repository.snapshots() if tag in one.tags), None)
        if snapshot is None:
            return None
        manifest = read_manifest(SnapshotPlace(SnapshotView(repository, snapshot)))
        unread = [("", f"{manifest.problems} things could not be read; their names are lost with the first attempt")]
        self.stored = JobResult(
            repository=self.repository,
            snapshot_id=snapshot.id,
            **summary_facts(snapshot.summary),
            manifest=manifest_facts(manifest),
            warnings=["An earlier attempt had stored this backup when it was cut off; this one has read it back."],
            problems=unread if manifest.problems else [],
        )
        return snapshot

    def _archive(self, repository: Repository, cut: Cut, options: ArchiveOptions, warnings: list[str]) -> JobResult:
        self.tracker.begin("storing", total_bytes=cut.total_bytes_hint)
        done = archive(repository, cut.entries(), options, progress=self._progress)
        return JobResult(
            repository=self.repository,
            snapshot_id=done.snapshot.id,
            **summary_facts(done.summary),
            manifest=manifest_facts(cut.manifest()),
            warnings=[*warnings, *done.notes],
            problems=_problems(cut),
        )

    def _package(self, request: JobRequest) -> list[str]:
        passphrase = self._passphrase(request)
        path = package_path(self.job, request)
        if self.job.attempt > 1 and not request.output:
            # Complete or not, it is the work of an attempt that was cut off before it was read back.
            path.unlink(missing_ok=True)
        make_private_folder(path.parent.resolve())
        if is_package_folder(path.parent):
            remove_leftovers(path.parent)
        with staging_folder(self.job.uuid) as staging:
            self.tracker.begin("opening the sources")
            with open_cut(self.job.backup_type, spec=self._spec(request, staging)) as cut:
                self.tracker.begin("writing the package", total_bytes=cut.total_bytes_hint)
                rehearsals: list[Rehearsals] = []
                written = write_package(
                    path,
                    cut,
                    passphrase=passphrase,
                    compression=request.compression,
                    progress=self._reached,
                    reading=self._read_back,
                    rehearse=lambda package: rehearsals.append(self._rehearse(package, decode(package.manifest))),
                    before_publish=self.fence,
                )
                self.stored = JobResult(
                    backup_file_path=str(path),
                    checksum=written.sha256,
                    backup_size=written.content_bytes,
                    stored_size=written.size,
                    new_files=written.files,
                    changed_files=0,
                    unchanged_files=0,
                    manifest=manifest_facts(cut.manifest()),
                    warnings=cut.notes,
                    problems=_problems(cut),
                    rehearsals=rehearsals[0] if rehearsals else Rehearsals(),
                )
                self.published()
        # It was read back before it got its name.
        return []

    def _passphrase(self, request: JobRequest) -> Passphrase | None:
        """What the package is sealed with; proven before, because nothing would show afterwards that it is wrong."""
        if not request.encryption:
            return None
        passphrase, place = read_passphrase(), choose_place(request.storage_path, encrypted=True)
        by_hand = self.job.trigger in {Trigger.MANUAL, Trigger.PRE_RESTORE}
        require_proven(passphrase, place.storage, by_hand=by_hand)
        return passphrase

    def _read_back(self, files: int, size: int) -> None:
        if not files:
            self.tracker.begin("reading back")
        self._reached(files, size)

    def _progress(self, done: ArchiveProgress) -> None:
        self._reached(done.files_done, done.bytes_done)

    def _reached(self, files: int, size: int) -> None:
        self.tracker.reached(files=files, bytes_done=size)
        self.check()


def package_path(job: BackupJob, request: JobRequest) -> Path:
    """The package that the job writes: the one asked for, or one of its own beside the repositories.

    A configuration's name may hold anything, and two jobs may be asked for within a second.
    """
    if request.output:
        return Path(request.output)
    place = choose_place(request.storage_path, encrypted=False)
    ending = SEALED_PACKAGE if request.encryption else PLAIN_PACKAGE
    return place.storage / PACKAGES / file_name(f"{job.job_name}-{job.uuid.hex[:8]}{ending}")


def _problems(cut: Cut) -> list[tuple[str, str]]:
    """What the sources found missing, and what could not be read of them."""
    return [(problem.path, problem.reason) for problem in cut.problems]
