"""Apply retention: remove backups, and prune the repositories when enough space would come back.

For each repository, under its exclusive lock: plan again, mark the backups, forget their snapshots, record that, prune.
A crash at any point leaves marks that the next run completes, or space that the next prune frees; never a backup that
is offered although it is gone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from strongroom.errors import RepositoryLocked, StrongroomError
from strongroom.ids import StorageId
from strongroom.packages import remove_leftovers
from strongroom.prune import PruneOptions, PrunePlan, PruneProgress, execute_prune, forget, plan_prune
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock

from .. import conf
from ..backups.presence import Presence, find_presence
from ..backups.references import BackupRef, job_ref
from ..backups.siblings import snapshots_of
from ..core.cancellation import JobCancelled, stop_signals
from ..core.progress import Tracker
from ..errors import BackupError, LedgerUnavailable, StorageAbsent
from ..models import BackupJob, DamageFinder
from ..selectors import STORED_STATUSES, jobs_by_uuids
from ..selectors.removals import prune_latest, removals_unfinished, removed_since
from ..services.damages import doubt_unreadable
from ..services.removals import job_warn, prune_begin, prune_end, prunes_settle, removal_begin, removal_done
from ..services.repositories import require_repository
from ..storage.locations import RepositoryPlace, known_places
from ..storage.packages import is_package_folder, is_stored_package, package_folders
from ..storage.repository_locks import lock_patiently
from ..storage.reserve import ensure_reserve, reserves_released
from .forecast import PlaceForecast, forecast, snapshots_removed_before, young_until
from .plan import Verdict, plan_retention, trusted_now

__all__ = [
    "PlaceForecast",
    "RetentionResult",
    "RetentionSkipped",
    "YoungSpace",
    "apply_retention",
    "apply_retention_after",
    "forecast",
    "remove_backups",
]

_LOCK_PATIENCE = 60.0
_PRUNE_PAUSE = timedelta(hours=20)
"""A prune reads the whole index: automatically at most about once a day, however often backups are removed."""


@dataclasses.dataclass(frozen=True, slots=True)
class RetentionSkipped:
    """A removal that was not done: the reason, the configurations of the backups, and the error if there was one."""

    text: str
    configurations: frozenset[int | None]
    error: BaseException | None = None

    def __str__(self) -> str:
        return self.text


@dataclasses.dataclass(frozen=True, slots=True)
class YoungSpace:
    """Unused bytes that a prune left alone because they were stored in the last 24 hours."""

    place: RepositoryPlace
    bytes: int
    until: datetime | None
    """The time from which all of them can be freed; None if the storage knows no times."""


@dataclasses.dataclass(slots=True)
class RetentionResult:
    """The removed backups, and the removals that were skipped; `freed_bytes` counts packages and prunes."""

    removed: list[BackupJob] = dataclasses.field(default_factory=list)
    freed_bytes: int = 0
    pruned: list[str] = dataclasses.field(default_factory=list)
    waiting: list[YoungSpace] = dataclasses.field(default_factory=list)
    postponed: list[RetentionSkipped] = dataclasses.field(default_factory=list)

    def postpone(self, jobs: Iterable[BackupJob], text: str, error: BaseException | None = None) -> None:
        """Note that these backups are not removed now."""
        self.postponed.append(RetentionSkipped(text, frozenset(job.configuration_id for job in jobs), error))


def apply_retention_after(job: BackupJob) -> None:
    """Apply the retention of all configurations after a job that stored a backup; do nothing after a failed one.

    It is that of all configurations, because a backup may get too old on a day without a job of its own configuration.
    An error becomes a warning of the job.
    """
    if job.status not in STORED_STATUSES:
        return
    now = timezone.now()
    try:
        _ensure_reserve_for(job)
        with stop_signals():
            done = apply_retention(now=trusted_now(now=now), tracker=Tracker(), tick=_nothing)
    except JobCancelled:
        # The backup is stored; the next job continues here.
        return
    except (BackupError, StrongroomError, OSError) as error:
        job_warn(job.uuid, f"Old backups could not be removed: {error}", now=timezone.now())
        return
    for one in done.postponed:
        # Problems of another storage do not belong into this job; `backup_health` reports them.
        if job.configuration_id in one.configurations:
            job_warn(job.uuid, one.text, now=timezone.now())


def _ensure_reserve_for(job: BackupJob) -> None:
    ref = job_ref(job)
    storage = ref.place.storage if ref.place is not None else conf.load().storage_root.resolve()
    try:
        ensure_reserve(storage)
    except OSError as error:
        job_warn(job.uuid, f"The reserve of space in {storage} cannot be made: {error}", now=timezone.now())


def _nothing() -> None:
    return


def apply_retention(
    *,
    now: datetime,
    tracker: Tracker,
    tick: Callable[[], None],
    only: Iterable[int] | None = None,
    prune: bool | None = None,
) -> RetentionResult:
    """Remove the backups that retention selects, and prune: always with `prune` True, never with False, else if due.

    `only` limits it to the configurations with these primary keys. Raises the error that keeps the catalogue or the
    storage roots from being used; a problem of one storage is in the result.
    """
    chosen = None if only is None else list(only)
    present = find_presence()
    plan = plan_retention(now=now, only=chosen, going_only=True, absent=present.absent())
    verdicts = [verdict for verdict in plan if not verdict.keep]
    reasons = _reasons(verdicts)
    done = remove_backups(reasons, now=now, tracker=tracker, tick=tick, prune=prune, again=chosen, by_rule=True)
    done.postponed += skipped_without_storage(present)
    return done


def skipped_without_storage(present: Presence) -> list[RetentionSkipped]:
    """Return the removals that are skipped because their storage cannot be used."""
    texts = [
        f"Old backups in {one.place} cannot be removed: {one.reason} {one.remedy}".rstrip()
        for one in present.missing
        if one.whole and one.ours and not one.replaced
    ]
    return [RetentionSkipped(text, frozenset(), StorageAbsent(text)) for text in texts]


def remove_backups(
    reasons: dict[uuid.UUID, str],
    *,
    now: datetime,
    tracker: Tracker,
    tick: Callable[[], None],
    prune: bool | None = None,
    again: list[int] | None = None,
    by_rule: bool = False,
) -> RetentionResult:
    """Remove the backups of these jobs, given with the reasons, and those whose removal was interrupted before.

    With `by_rule`, retention is planned once more under the lock, `again` for the configurations with these primary
    keys. On a disk that is nearly full, the reserve is released first, and packs are rewritten only if they fit.
    """
    done = RetentionResult()
    with reserves_released(
        {place.storage for place in known_places()} | {conf.load().storage_root.resolve()}
    ) as nearly_full:
        places: dict[RepositoryPlace, list[BackupJob]] = {}
        for job in {job.pk: job for job in (*jobs_by_uuids(reasons), *removals_unfinished())}.values():
            with _skip_on_error([job], done, f"The backup of {job.job_name} cannot be removed"):
                ref = job_ref(job)
                if ref.place is None:
                    _remove_package(job, ref, reasons, now, done)
                else:
                    places.setdefault(ref.place, []).append(job)
        if prune:
            for folder in filter(is_package_folder, package_folders()):
                done.freed_bytes += remove_leftovers(folder)
            for place in known_places():
                places.setdefault(place, [])
        for place, wanted in sorted(places.items()):
            with (
                _skip_on_error(wanted, done, f"Old backups in {place.path} cannot be removed"),
                _locked_place(place, tracker, tick) as (repository, lock),
            ):
                prunes_settle(str(place.path), now=timezone.now())
                here = _jobs_of_repository(wanted, repository, done)
                # A backup that cannot be read must not count in the place of one that can.
                doubt_unreadable(repository, found_by=DamageFinder.VERIFY, now=timezone.now())
                still = reasons
                if by_rule:
                    plan = plan_retention(now=now, only=again, going_only=True, absent=find_presence().absent())
                    still = _reasons(one for one in plan if not one.keep)
                done.removed += _forget(here, still, repository, lock, now=now)
                is_nearly_full = place.storage in nearly_full
                if prune or (prune is None and (is_nearly_full or _prune_is_due(place, now))):
                    how = _Pruning(tracker, tick, force=bool(prune), is_nearly_full=is_nearly_full)
                    _prune(place, repository, lock, how=how, done=done)
    return done


def _forget(
    here: list[BackupJob],
    reasons: dict[uuid.UUID, str],
    repository: Repository,
    lock: RepositoryLock,
    *,
    now: datetime,
) -> list[BackupJob]:
    """Remove the snapshots of the jobs with a reason, and of interrupted removals; return these jobs."""
    removal_begin({job.uuid: reasons[job.uuid] for job in here if job.uuid in reasons}, now=now)
    going = removals_unfinished(among=here)
    # Also remove further snapshots of these jobs: a killed job, or a repair, may have left some.
    besides = snapshots_of(repository, [job.uuid for job in going]) if going else []
    forget(repository, {StorageId(job.snapshot_id) for job in going} | {one.id for one in besides}, lock)
    removal_done(going, now=timezone.now())
    return going


def _jobs_of_repository(jobs: Collection[BackupJob], repository: Repository, done: RetentionResult) -> list[BackupJob]:
    """Return the jobs with a backup in this repository. If another lies in its place, the backups may only be away."""
    found = []
    for job in jobs:
        with _skip_on_error([job], done, f"The backup of {job.job_name} cannot be removed"):
            require_repository(job, repository)
            found.append(job)
    return found


def _reasons(verdicts: Iterable[Verdict]) -> dict[uuid.UUID, str]:
    return {verdict.job: verdict.reason for verdict in verdicts}


@contextlib.contextmanager
def _skip_on_error(jobs: Collection[BackupJob], done: RetentionResult, what: str) -> Iterator[None]:
    """Note an error that keeps one storage from being used, and continue with the others."""
    try:
        yield
    except LedgerUnavailable:
        raise
    except (BackupError, StrongroomError, OSError) as error:
        when = " now" if isinstance(error, RepositoryLocked) else ""
        done.postpone(jobs, f"{what}{when}: {error}", error)


@contextlib.contextmanager
def _locked_place(
    place: RepositoryPlace, tracker: Tracker, tick: Callable[[], None]
) -> Iterator[tuple[Repository, RepositoryLock]]:
    """Open a repository under its exclusive lock. Raises `RepositoryLocked` if others hold a lock for too long."""
    repository = place.open()
    tracker.begin("waiting for the repository's lock")
    with lock_patiently(repository, exclusive=True, optional=True, seconds=_LOCK_PATIENCE, waiting=tick) as lock:
        yield repository, lock


def _remove_package(
    job: BackupJob, ref: BackupRef, reasons: dict[uuid.UUID, str], now: datetime, done: RetentionResult
) -> None:
    path = ref.package
    if path is None or not is_stored_package(path):
        done.postpone(
            [job],
            f"The package {path} of {job.job_name} lies outside of the backup storage, where nothing is deleted; remove"
            " it by hand.",
        )
        return
    if not path.parent.is_dir():
        done.postpone([job], f"The package {path} of {job.job_name} is away with its folder; mount the storage.")
        return
    if job.removal_started_at is None and not removal_begin({job.uuid: reasons[job.uuid]}, now=now):
        return
    with contextlib.suppress(FileNotFoundError):
        size = path.stat().st_size
        path.unlink()
        done.freed_bytes += size
    marked = removals_unfinished(among=[job])
    removal_done(marked, now=timezone.now())
    done.removed += marked


def _prune_is_due(place: RepositoryPlace, now: datetime) -> bool:
    latest = prune_latest(str(place.path))
    if latest is not None and now - latest.started_at < _PRUNE_PAUSE:
        return False
    return removed_since(latest.started_at if latest else None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Pruning:
    """The manner of a prune: with `force` even if little space comes back; on a nearly full disk without packs that do
    not fit."""

    tracker: Tracker
    tick: Callable[[], None]
    force: bool
    is_nearly_full: bool

    def progress(self, at: PruneProgress) -> None:
        if self.tracker.now().phase != at.doing:
            self.tracker.begin(at.doing, total_bytes=at.bytes_total)
        self.tracker.reached(bytes_done=at.bytes_done, files=at.done, total_bytes=at.bytes_total)
        self.tick()


def _prune(
    place: RepositoryPlace, repository: Repository, lock: RepositoryLock, *, how: _Pruning, done: RetentionResult
) -> None:
    run = prune_begin(str(place.path), now=timezone.now())
    try:
        present = {snapshot.id for snapshot in repository.readable_snapshots()[0]}
        gone = snapshots_removed_before(place, present)
        plan = plan_prune(repository, without=gone, progress=how.progress)
        if how.is_nearly_full and not _fits(plan, place.storage):
            plan = plan_prune(repository, without=gone, options=PruneOptions(repack=False), progress=how.progress)
        worth = not plan.empty and (how.force or how.is_nearly_full or plan.worth_it)
        freed = execute_prune(repository, plan, lock, progress=how.progress).freed_bytes if worth else 0
    except BaseException as error:
        prune_end(run, now=timezone.now(), error=f"{type(error).__name__}: {error}")
        raise
    prune_end(run, now=timezone.now(), freed=freed)
    if worth:
        done.pruned.append(str(place.path))
    done.freed_bytes += freed
    if plan.young_unused:
        done.waiting.append(YoungSpace(place, plan.young_unused, young_until(plan)))


def _fits(plan: PrunePlan, storage: Path) -> bool:
    """Return whether the used part of the packs to be rewritten fits into half of the free space."""
    return 2 * (plan.repack.size - plan.repack_unused) <= shutil.disk_usage(storage).free
