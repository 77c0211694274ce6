"""Find the backup that a user names.

The name is `latest`, a job's uuid or an unambiguous prefix of it, a snapshot's id or prefix, a job's name, or the path
of a package. The catalogue is asked first; if it cannot be read or does not know the name, the stored snapshots and
packages are searched.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from django.utils import timezone

from strongroom.errors import StrongroomError
from strongroom.format.snapshot import Snapshot
from strongroom.packages import open_package
from strongroom.repair.snapshots import is_repaired
from strongroom.repository import Repository
from strongroom.snapshots import SnapshotView

from .. import conf, selectors
from ..core.manifest import decode
from ..errors import AmbiguousReference, BackupError, BackupNotFound, LedgerUnavailable, StorageAbsent
from ..models import BackupJob, Trigger
from ..sources.file_references import reference_fields
from ..sources.files import file_roots
from ..sources.verify import SnapshotPlace, read_manifest
from ..storage.locations import PLAIN_PACKAGE, SEALED_PACKAGE, RepositoryPlace, known_places
from ..storage.packages import known_packages
from . import presence
from .latest import DATABASE, EVERYTHING, Facts, choose
from .presence import Missing, Presence
from .references import BackupRef, job_ref, package_ref, snapshot_ref

LATEST = "latest"
_PACKAGE_ENDINGS = (PLAIN_PACKAGE, SEALED_PACKAGE, ".tgz")


def resolve_backup(text: str, *, wanted: frozenset[str] = frozenset()) -> BackupRef:
    """Return the backup that `text` names. `wanted` are the parts that `latest` must hold, if they are to be restored.

    Raises `BackupNotFound`, `AmbiguousReference`, `StorageAbsent` for one that is away, or the error that keeps the
    storage from being read.
    """
    path = Path(text)
    if text.endswith(_PACKAGE_ENDINGS) or path.is_file():
        return package_ref(path)
    try:
        found = _latest_in_ledger(wanted) if text == LATEST else _in_ledger(text)
        if found is not None:
            return found
        ref = _in_storage(text, wanted)
        note = _ledger_note(ref)
    except LedgerUnavailable as error:
        ref = _in_storage(text, wanted)
        note = f"{error} The backup was found in the storage instead."
    return dataclasses.replace(ref, notes=(note, *ref.notes))


def wanted_parts(only: str | None) -> frozenset[str]:
    """Return the parts that a restore needs of a backup: one part, or both if the project has files."""
    if only is not None:
        return frozenset({only})
    fields = reference_fields(conf.load().reference_fields)
    return EVERYTHING if fields or file_roots(fields) else frozenset({DATABASE})


def _ledger_note(ref: BackupRef) -> str:
    """Return a note for a backup found in a repository: its job is not in the catalogue, or failed afterwards."""
    row = None if ref.job is None else selectors.job_by_uuid(ref.job)
    if row is None:
        return "The catalogue does not know it; it was found in the repository."
    known = f"{row.status}, {row.trust}" if row.trust else row.status
    reason = f": {row.error_message}" if row.error_message else ""
    return f"It was found in the repository; for the catalogue it is no good backup, but {known}{reason}"


def _in_ledger(text: str) -> BackupRef | None:
    job = selectors.job_matching(text)
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
    present = presence.find_presence()
    missing = present.missing_of(job)
    if missing is not None:
        raise _absent(job, missing, present)
    return job_ref(job)


def _latest_in_ledger(wanted: frozenset[str]) -> BackupRef | None:
    job, notes = job_latest(wanted, presence.find_presence(), now=timezone.now())
    return None if job is None else job_ref(job, notes=notes)


def job_latest(wanted: frozenset[str], present: Presence, *, now: datetime) -> tuple[BackupJob | None, tuple[str, ...]]:
    """Return the job that `latest` means, and notes on those passed over; None if the catalogue knows no backup.

    Raises `StorageAbsent` if its storage is away: the user does not mean an older backup elsewhere.
    """
    chosen = choose(_ledger_candidates(wanted, present, now), wanted, now=now)
    if chosen is not None:
        return chosen.candidate, chosen.notes
    for job in selectors.jobs_stored_newest():
        missing = present.missing_of(job)
        if missing is not None:
            raise _absent(job, missing, present)
    return None, ()


def _ledger_candidates(
    wanted: frozenset[str], present: Presence, now: datetime
) -> Iterator[tuple[BackupJob | None, Facts | str]]:
    """Yield the jobs that ran, the newest first, with the facts about their backups."""
    for job in selectors.jobs_stored_newest(with_failures=True):
        if not job.snapshot_id and not job.backup_file_path:
            yield None, f"{job.job_name} is {job.status} and stored nothing"
            continue
        if job.status in selectors.FAILURES:
            yield None, f"{job.job_name} is {job.status}"
            continue
        facts, missing = Facts.of_job(job, now=now), present.missing_of(job)
        if job.pk in present.locked:
            yield None, f"{job.job_name} cannot be opened ({present.locked[job.pk].rstrip('.')})"
        elif missing is None:
            yield job, facts
        elif missing.whole and not facts.objection(wanted, now=now)[0]:
            raise _absent(job, missing, present)
        else:
            yield None, f"{job.job_name} is not there ({missing.reason.rstrip('.')})"


def _absent(job: BackupJob, missing: Missing, present: Presence) -> StorageAbsent:
    other = next(
        (one for one in selectors.jobs_stored_newest() if one.pk != job.pk and not present.obstacle(one)),
        None,
    )
    instead = f" The newest backup that is there is {other.job_name}: name {other.uuid}." if other is not None else ""
    return StorageAbsent(
        f"The backup of {job.job_name} ({job.uuid}) cannot be used now. {missing.reason} {missing.remedy}".rstrip()
        + instead
    )


def _in_storage(text: str, wanted: frozenset[str]) -> BackupRef:
    try:
        paths: list[str] = selectors.storage_paths()
    except LedgerUnavailable:
        paths = []  # resolve_backup tells the user
    places = known_places(paths)
    packages = known_packages(paths) if text == LATEST else []
    if not places and not packages:
        raise BackupNotFound(
            f"No backup matches {text!r}: no repository and no package was found under BACKUP_STORAGE_ROOT."
        )
    unreadable: list[BackupError | StrongroomError] = []
    candidates = list(_candidates(places, text, unreadable))
    if unreadable and (text == LATEST or not candidates):
        # The backup that the user means may lie in a repository that cannot be read.
        raise unreadable[0]
    if text == LATEST and (candidates or packages):
        return _latest_in_storage([*candidates, *map(_unknown_package, packages)], wanted)
    if not candidates:
        raise BackupNotFound(f"No backup matches {text!r} in {', '.join(str(place.path) for place in places)}.")
    if len({ref.job for ref in candidates}) > 1:
        shown = ", ".join(f"{ref.job} (snapshot {ref.snapshot_id[:8]})" for ref in candidates[:5])
        raise AmbiguousReference(f"Several backups match {text!r}: {shown}; give more of the uuid.")
    return _newest_of_job(candidates)


def _newest_of_job(candidates: list[BackupRef]) -> BackupRef:
    """Return the newest of several snapshots of one job, as a kill or a repair leaves them; a note names the others."""
    first, *others = sorted(candidates, key=lambda ref: (not ref.lacks_lost, ref.time, ref.snapshot_id), reverse=True)
    if not others:
        return first
    names = ", ".join(f"{ref.snapshot_id[:8]}{' (lost files left out)' if ref.lacks_lost else ''}" for ref in others)
    note = f"The job {first.job} has stored further snapshots: {names}. Name one of them if this one is damaged."
    return dataclasses.replace(first, notes=(*first.notes, note))


def _latest_in_storage(candidates: list[BackupRef], wanted: frozenset[str]) -> BackupRef:
    """Return the backup that `latest` means, by the facts in the backups themselves. Raises `BackupNotFound`."""
    now = timezone.now()
    present = now.astimezone(UTC) + selectors.SKEW if timezone.is_aware(now) else now.replace(tzinfo=UTC)
    # A backup with a time in the future comes last: the clock was wrong when it was made.
    ordered = sorted(candidates, key=lambda ref: (ref.time <= present, ref.time, ref.snapshot_id), reverse=True)
    if not wanted:
        return ordered[0]
    chosen = choose(_storage_candidates(ordered), wanted, now=now)
    if chosen is None:
        raise BackupNotFound(f"No backup of {len(candidates)} can be read: the newest is {ordered[0]}.")
    return dataclasses.replace(chosen.candidate, notes=chosen.notes)


def _storage_candidates(ordered: Iterable[BackupRef]) -> Iterator[tuple[BackupRef | None, Facts | str]]:
    repositories: dict[RepositoryPlace, _Opened] = {}
    for ref in ordered:
        try:
            yield ref, _facts(ref, repositories)
        except (BackupError, StrongroomError) as error:
            yield None, f"{ref} cannot be read ({str(error).rstrip('.')})"


@dataclasses.dataclass(frozen=True, slots=True)
class _Opened:
    """A repository, and the ids of its snapshots that need lost content: a repair made new ones from them."""

    repository: Repository
    damaged: frozenset[str | None]

    @classmethod
    def at(cls, place: RepositoryPlace) -> Self:
        repository = place.open()
        made = [one for one in repository.readable_snapshots()[0] if is_repaired(one)]
        return cls(repository, frozenset(one.original for one in made))


def _facts(ref: BackupRef, repositories: dict[RepositoryPlace, _Opened]) -> Facts:
    if ref.package is not None:
        return Facts.of_manifest(decode(open_package(ref.package).manifest))
    if ref.place is None:
        raise BackupNotFound(f"{ref} names neither a repository nor a package.")
    if ref.place not in repositories:
        repositories[ref.place] = _Opened.at(ref.place)
    opened = repositories[ref.place]
    view = SnapshotView(opened.repository, opened.repository.snapshot(ref.snapshot_id))
    manifest = read_manifest(SnapshotPlace(view))
    return Facts.of_manifest(manifest, lacks_lost=ref.lacks_lost, is_damaged=ref.snapshot_id in opened.damaged)


def _unknown_package(path: Path) -> BackupRef:
    return BackupRef(
        job=None,
        backup_type="",
        time=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        package=path,
    )


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
            ref = snapshot_ref(place, snapshot)
            if ref is not None and _matches(ref, snapshot, text):
                yield ref


def _matches(ref: BackupRef, snapshot: Snapshot, text: str) -> bool:
    if text == LATEST:
        return f"trigger={Trigger.PRE_RESTORE}" not in snapshot.tags
    prefix = selectors.uuid_prefix(text)
    if prefix is not None and str(ref.job).startswith(prefix):
        return True
    return len(text) >= selectors.SHORTEST_PREFIX and ref.snapshot_id.startswith(text.lower())
