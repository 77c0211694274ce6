"""The work of one job: the cut to a snapshot or a package, read back before it counts."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from django.utils import timezone

from strongroom.archiver import ArchiveOptions, ArchiveProgress, archive
from strongroom.repository import Repository

from .models import BackupJob
from .packages import verify_package, write_package
from .parents import choose_parent
from .progress import Tracker
from .references import snapshot_tags
from .requests import JobRequest
from .services.jobs import JobResult, manifest_facts
from .sources import Cut, CutSpec, open_cut
from .staging import staging_folder
from .storage import PACKAGES, make_private_folder, resolve_place
from .verification import read_back

ROOT = "/edms"
"""The path under which snapshots are filed; restic groups by it."""


@dataclasses.dataclass(slots=True)
class Capture:
    """One job's work. `stored` is set as soon as a restore point exists, whatever happens after it."""

    job: BackupJob
    tracker: Tracker
    fence: Callable[[], None]
    """Raises if the job is no longer ours; asks the ledger, called right before anything is published."""
    check: Callable[[], None]
    """Raises if the job is known to be no longer ours; cheap, called all the time."""
    stored: JobResult | None = None

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
        )

    def _snapshot(self, request: JobRequest) -> list[str]:
        place = resolve_place(request.storage_path, encrypted=request.encryption)
        self.tracker.begin("opening the repository")
        repository = place.open_or_init()
        with repository.lock() as lock:
            parent, warnings = choose_parent(self.job, place, repository)

            def before_publish() -> None:
                lock.check()
                self.fence()

            with staging_folder(self.job.uuid) as staging:
                self.tracker.begin("opening the sources")
                with open_cut(self.job.backup_type, spec=self._spec(request, staging)) as cut:
                    options = ArchiveOptions(
                        paths=(ROOT,),
                        tags=snapshot_tags(self.job),
                        parent=parent,
                        compression=request.compression,
                        before_publish=before_publish,
                    )
                    self.stored = self._archive(repository, cut, options, warnings)
                snapshot = repository.snapshot(self.stored.snapshot_id)
                return read_back(repository, snapshot, staging=staging, tracker=self.tracker, tick=self.check)

    def _archive(self, repository: Repository, cut: Cut, options: ArchiveOptions, warnings: list[str]) -> JobResult:
        self.tracker.begin("storing", total_bytes=cut.total_bytes_hint)
        done = archive(repository, cut.entries(), options, progress=self._progress)
        summary = done.summary
        problems = [(problem.path, problem.reason) for problem in cut.problems]
        problems += [(_text(problem.path), problem.reason) for problem in done.problems]
        return JobResult(
            snapshot_id=done.snapshot.id,
            backup_size=summary.total_bytes_processed,
            stored_size=summary.data_added_packed,
            new_files=summary.files_new,
            changed_files=summary.files_changed,
            unchanged_files=summary.files_unmodified,
            manifest=manifest_facts(cut.manifest()),
            warnings=[*warnings, *done.notes],
            problems=problems,
        )

    def _package(self, request: JobRequest) -> list[str]:
        path = package_path(self.job, request)
        make_private_folder(path.parent.resolve())
        with staging_folder(self.job.uuid) as staging:
            self.tracker.begin("opening the sources")
            with open_cut(self.job.backup_type, spec=self._spec(request, staging)) as cut:
                self.tracker.begin("writing the package", total_bytes=cut.total_bytes_hint)
                written = write_package(
                    path, cut, progress=self._progress, before_publish=self.fence, compression=request.compression
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
                    problems=[(problem.path, problem.reason) for problem in (*cut.problems, *written.problems)],
                )
            self.tracker.begin("comparing with the manifest")
            return verify_package(path, staging=staging)

    def _progress(self, done: ArchiveProgress) -> None:
        self.tracker.reached(files=done.files_done, bytes_done=done.bytes_done)
        self.check()


def package_path(job: BackupJob, request: JobRequest) -> Path:
    """The package that the job writes: the one asked for, or one of the job's name beside the repositories."""
    if request.output:
        return Path(request.output)
    place = resolve_place(request.storage_path, encrypted=False)
    return place.storage / PACKAGES / f"{job.job_name}.tar.gz"


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
