"""The effect of damage on backups: make those that need damaged content DAMAGED, and restore their trust later."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from strongroom.affected_snapshots import Affected, BlobKey, find_affected
from strongroom.checker import verify_snapshot
from strongroom.errors import BackendError, Damaged, FileMissing
from strongroom.format.snapshot import Snapshot
from strongroom.ids import FileKind, StorageId
from strongroom.repair.snapshots import is_repaired
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.damage import Damage, compare_sizes, distrust, lost_blobs
from strongroom.repository.damage import DamageKind as StoredKind
from strongroom.repository.packs import verify_pack

from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, DamageFinder, DamageKind, DoubtedBackup, Trust
from ..selectors.damages import FILES, as_damage, damage_is_open, damage_known, damage_rows
from .audit import audit_record
from .damage_records import damage_note, damaged_files_note
from .job_log import job_event
from .jobs import audited

_BATCH = 500
_PARTLY = (StoredKind.SIZE, StoredKind.LISTING)
"""Damage of a pack in which some blobs may be whole."""
_SOUND = (Trust.STORED, Trust.VERIFIED, Trust.PROVEN)


@dataclasses.dataclass(frozen=True, slots=True)
class AssessmentResult:
    """The backups that an assessment has made DAMAGED, and those that are whole again."""

    doubted: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()


def damage_found(
    repository: Repository,
    damages: Iterable[Damage],
    *,
    found_by: DamageFinder,
    now: datetime,
    tick: Callable[[], None] | None = None,
) -> AssessmentResult:
    """Write damage into the catalogue, and assess at once which backups need the content.

    The caller holds a lock of the repository.
    """
    damage_note(repository, damages, found_by=found_by, now=now)
    return damage_settle(repository, found_by=found_by, now=now, tick=tick)


def damage_settle(
    repository: Repository, *, found_by: DamageFinder, now: datetime, tick: Callable[[], None] | None = None
) -> AssessmentResult:
    """Compare all known damage with the present content of the repository. Only healed content is read and verified.

    Backups that need lost content become DAMAGED in one UPDATE. Backups that were DAMAGED and need no lost content any
    more are verified, and get their trust back. The caller holds a lock of the repository.
    """
    snapshots, unreadable = repository.snapshots_and_faults()
    doubted = _doubt_unreadable(repository, unreadable, found_by, now) + _doubt_repaired(repository, snapshots, now)
    if not damage_is_open(repository) and not _doubts(repository):
        return AssessmentResult()
    index = repository.load_index()
    damaged_files_note(repository, DamageKind.INDEX, index.damaged_files, found_by=found_by, now=now)
    _drop_files(repository, {*index.damaged_files, *unreadable}, now)
    sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
    _drop_restored_packs(repository, index, sizes, now)
    rows = damage_known(repository)
    if not rows and not _doubts(repository):
        return AssessmentResult()
    damages = [as_damage(row) for row in rows if row.kind != DamageKind.HEADER]
    distrust(index, [*compare_sizes(index, sizes), *damages])
    lost = _lost(repository, index, damages)
    need = find_affected(repository, index, snapshots, lost, tick=tick)
    # A needed blob that no index names is lost as well, and has no pack.
    nowhere = [
        Damage(StorageId(""), StoredKind.MISSING, blob.hex(), kind.name.lower(), "No index names the blob.")
        for kind, blob in need.blobs
        if index.number(kind, blob) is None
    ]
    damage_note(repository, nowhere, found_by=found_by, now=now)
    _write_rows(repository, index, lost, need, now)
    doubted += _cast_doubt(repository, need.snapshots, now)
    return AssessmentResult(doubted, _recover(repository, index, need.snapshots, now, tick or _no_tick))


def doubt_unreadable(repository: Repository, *, found_by: DamageFinder, now: datetime) -> tuple[str, ...]:
    """Make the backups DAMAGED whose snapshot file cannot be read; return their names. Reads snapshot files only."""
    return _doubt_unreadable(repository, repository.snapshots_and_faults()[1], found_by, now)


def doubt_package(job: uuid.UUID, reason: str, *, now: datetime) -> None:
    """Make a backup DAMAGED whose package differs from the one that was written. A verification restores the trust."""
    with ledger_access("casting doubt on a backup"), transaction.atomic(using=ledger_alias()):
        rows = BackupJob.objects.using(ledger_alias()).filter(uuid=job, trust__in=_SOUND)
        row = rows.select_for_update().first()
        if row is None:
            return
        rows.update(trust=Trust.DAMAGED)
        job_event(job, f"DAMAGED: {reason} It was {row.trust}.", now=now)
        audit_record("backup.doubt", audited(row), details={"trust": Trust.DAMAGED, "before": row.trust})


def _doubt_unreadable(
    repository: Repository, unreadable: Mapping[StorageId, str], found_by: DamageFinder, now: datetime
) -> tuple[str, ...]:
    damaged_files_note(repository, DamageKind.SNAPSHOT, unreadable, found_by=found_by, now=now)
    return _cast_doubt(repository, unreadable, now)


def _doubt_repaired(repository: Repository, snapshots: Sequence[Snapshot], now: datetime) -> tuple[str, ...]:
    """Make the backups DAMAGED of which `strongroom repair snapshots` made repaired ones, while they lack content."""
    originals = {one.original for one in snapshots if is_repaired(one)}
    old = [one for one in snapshots if one.id in originals]
    return (
        _cast_doubt(repository, find_affected(repository, repository.load_index(), old, ()).snapshots, now)
        if old
        else ()
    )


def _lost(repository: Repository, index: Index, damages: Sequence[Damage]) -> frozenset[BlobKey]:
    """Return the blobs without a readable copy; in a damaged pack that exists, each blob is read."""
    lost = lost_blobs(index, damages)
    reader = BlobReader(repository, index)
    partly = {damage.pack for damage in damages if damage.kind in _PARTLY}
    inside = {(pack, (blob.kind, blob.id)) for pack, blobs in index.blobs_in(partly).items() for blob in blobs}
    return lost - {key for pack, key in inside if key in lost and _can_be_read(reader, pack, key)}


def _can_be_read(reader: BlobReader, pack: StorageId, key: BlobKey) -> bool:
    try:
        return reader.is_whole(pack, *key)
    except BackendError:
        return False


def _drop_files(repository: Repository, damaged: Collection[str], now: datetime) -> None:
    with ledger_access("looking whether damaged files are gone"):
        rows = damage_rows().filter(repository_id=repository.id, dropped_at=None)
        rows = rows.filter(kind__in=FILES)
        gone = [row.pk for row in rows if row.file_id not in damaged]
        damage_rows().filter(pk__in=gone).update(dropped_at=now, healed_at=now)


def _drop_restored_packs(repository: Repository, index: Index, sizes: Mapping[StorageId, int], now: datetime) -> None:
    """Close the damage of packs that were put back, for example from a copy of the storage."""
    reader = BlobReader(repository, index)
    good = [row.pk for row in damage_known(repository) if row.file_id and _is_good(reader, as_damage(row), sizes)]
    if good:
        with ledger_access("writing down what is good again"):
            damage_rows().filter(pk__in=good).update(dropped_at=now, healed_at=now)


def _is_good(reader: BlobReader, damage: Damage, sizes: Mapping[StorageId, int]) -> bool:
    expected = reader.index.pack_size(damage.pack)
    if not expected or sizes.get(damage.pack) != expected:
        return False
    try:
        if damage.key is not None:
            return reader.is_whole(damage.pack, *damage.key)
        return not list(verify_pack(reader.repository, reader.index, damage.pack))
    except BackendError:
        return False


def _write_rows(repository: Repository, index: Index, lost: Collection[BlobKey], need: Affected, now: datetime) -> None:
    known = set(index.packs)
    rows = damage_known(repository)
    contents = index.blobs_in({StorageId(row.file_id) for row in rows if not row.blob_id})
    with ledger_access("writing down what damage means"):
        for row in rows:
            damage = as_damage(row)
            own = {damage.key} if damage.key else {(blob.kind, blob.id) for blob in contents.get(damage.pack, ())}
            still = {key for key in own if key is not None and (key in lost or index.number(*key) is None)}
            is_needed = not still.isdisjoint(need.blobs)
            is_gone = not is_needed and row.file_id not in known
            damage_rows().filter(pk=row.pk).update(
                is_needed=is_needed,
                healed_at=None if is_needed else row.healed_at or now,
                dropped_at=now if is_gone else None,
            )


def _doubts(repository: Repository) -> list[DoubtedBackup]:
    with ledger_access("looking for doubted backups"):
        doubts = DoubtedBackup.objects.using(ledger_alias()).filter(repository_id=repository.id)
        return list(doubts.select_related("job"))


def _cast_doubt(repository: Repository, snapshots: Collection[StorageId], now: datetime) -> tuple[str, ...]:
    """Make all backups of these snapshots DAMAGED; return the names of those that were not DAMAGED before."""
    names: list[str] = []
    wanted = sorted(snapshots)
    for start in range(0, len(wanted), _BATCH):
        with ledger_access("casting doubt on backups"), transaction.atomic(using=ledger_alias()):
            jobs = BackupJob.objects.using(ledger_alias()).filter(
                snapshot_id__in=wanted[start : start + _BATCH], trust__in=_SOUND
            )
            found = list(jobs.only("pk", "uuid", "job_name", "trust"))
            DoubtedBackup.objects.using(ledger_alias()).filter(job__in=[job.pk for job in found]).delete()
            DoubtedBackup.objects.using(ledger_alias()).bulk_create(
                (
                    DoubtedBackup(job=job, repository_id=repository.id, trust_before=job.trust, since=now)
                    for job in found
                ),
                ignore_conflicts=True,
            )
            jobs.filter(pk__in=[job.pk for job in found]).update(trust=Trust.DAMAGED)
            for job in found:
                text = f"DAMAGED: it needs content that was found damaged in {repository.location}. It was {job.trust}."
                job_event(job.uuid, text, now=now)
                audit_record("backup.doubt", audited(job), details={"trust": Trust.DAMAGED, "before": job.trust})
                names.append(job.job_name)
    return tuple(names)


def _recover(
    repository: Repository, index: Index, needing: Collection[StorageId], now: datetime, tick: Callable[[], None]
) -> tuple[str, ...]:
    """Verify the backups that need no lost content any more: their structure, and the packs with healed content.

    Returns the names of the backups that are whole again.
    """
    names = []
    packs = _healed_packs(repository, index)
    for doubt in _doubts(repository):
        job = doubt.job
        if job.trust != Trust.DAMAGED or job.removal_started_at is not None:
            _forget_doubt(doubt)
        elif job.snapshot_id not in needing and _is_whole(repository, StorageId(job.snapshot_id), packs, tick):
            trust = Trust.STORED if doubt.trust_before == Trust.STORED else Trust.VERIFIED
            with ledger_access("giving a backup its trust back"), transaction.atomic(using=ledger_alias()):
                rows = BackupJob.objects.using(ledger_alias()).filter(pk=job.pk, trust=Trust.DAMAGED)
                if rows.update(trust=trust):
                    text = f"{trust} again: the damaged content is stored again, and was verified."
                    job_event(job.uuid, text, now=now)
                    audit_record("backup.verify", audited(job), details={"trust": trust})
                    names.append(job.job_name)
                _forget_doubt(doubt)
    return tuple(names)


def _forget_doubt(doubt: DoubtedBackup) -> None:
    with ledger_access("forgetting a doubt"):
        DoubtedBackup.objects.using(ledger_alias()).filter(pk=doubt.pk).delete()


def _healed_packs(repository: Repository, index: Index) -> set[StorageId] | None:
    """Return the packs that hold the content of all damage now; None if that is unknown, so that all must be read."""
    with ledger_access("looking for healed damage"):
        rows = list(damage_rows().filter(repository_id=repository.id).exclude(kind__in=FILES))
    known = set(index.packs)
    if any(not row.blob_id and row.file_id not in known for row in rows):
        return None
    whole = index.blobs_in({StorageId(row.file_id) for row in rows if not row.blob_id})
    keys = {key for row in rows if (key := as_damage(row).key)}
    keys.update((blob.kind, blob.id) for blobs in whole.values() for blob in blobs)
    return {pack for key in keys if key in index and (pack := index.first_pack(*key))}


def _is_whole(
    repository: Repository, snapshot: StorageId, packs: set[StorageId] | None, tick: Callable[[], None]
) -> bool:
    try:
        stored = repository.load_snapshot(snapshot)
    except (FileMissing, Damaged):
        return False
    return verify_snapshot(repository, stored, packs=packs, progress=lambda _: tick()).good


def _no_tick() -> None:
    return
