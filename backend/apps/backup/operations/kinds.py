"""The work of each kind of operation."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping

from django.utils import timezone

from strongroom.repository.locks import list_locks, remove_stale_locks

from ..backups.check import check_repository
from ..backups.presence import presence
from ..backups.references import BackupRef, job_ref
from ..backups.verify import verify_backup
from ..errors import RequestRefused
from ..models import OperationKind
from ..retention import apply as retention
from ..retention.apply import RetentionResult
from ..retention.plan import plan_retention, trusted_now
from ..retention.whole_configuration import delete_with_backups
from ..selectors import job_by_uuid, jobs_by_uuids
from ..services.configurations import configuration_delete
from ..storage.locations import RepositoryPlace, resolve_place
from . import restore as restoring
from .context import OperationResult, Work

_MOST_FINDINGS = 100
_LOCK_FIELDS = ("time", "username", "hostname", "pid", "exclusive")
"""The facts of a lock in the result; of an unreadable lock only its name is known."""


def _verify(work: Work) -> OperationResult:
    found = verify_backup(_backup(work), tracker=work.tracker, tick=work.tick)
    return OperationResult(
        {
            "trust": found.trust,
            "rehearsal_state": found.rehearsals.state,
            "obstacles": [*found.rehearsals.warnings(), *found.notes],
            "findings": list(found.findings[:_MOST_FINDINGS]),
            "findings_count": len(found.findings),
        }
    )


def _remove(work: Work) -> OperationResult:
    job = uuid.UUID(str(work.operation.arguments["backup"]))
    reason = f"deleted by {work.operation.requested_by_name}"
    result = retention.remove_backups({job: reason}, now=timezone.now(), tracker=work.tracker, tick=work.tick)
    if job in {one.uuid for one in result.removed}:
        return OperationResult(_retention_details(result))
    why = "; ".join(map(str, result.postponed)) or "it was pinned, or a restore needs it"
    return OperationResult(_retention_details(result), error=f"The backup was not removed: {why}")


def _check(work: Work) -> OperationResult:
    read_data = bool(work.operation.arguments["read_data"])
    report = check_repository(_place(work), read_data=read_data, tracker=work.tracker, tick=work.tick)
    return OperationResult(
        {
            "snapshots": report.snapshots,
            "packs": report.packs,
            "findings": [str(one) for one in report.findings[:_MOST_FINDINGS]],
            "findings_count": len(report.findings),
            "is_sound": report.good,
        }
    )


def _unlock(work: Work) -> OperationResult:
    repository = _place(work).open()
    removed = remove_stale_locks(repository)
    left = [
        {"name": name, **({} if record is None else {field: getattr(record, field) for field in _LOCK_FIELDS})}
        for name, record in list_locks(repository)
    ]
    return OperationResult({"removed": removed, "left": left[:_MOST_FINDINGS]})


def _place(work: Work) -> RepositoryPlace:
    asked = work.operation.arguments
    return resolve_place(str(asked["storage_path"]), encrypted=bool(asked["encrypted"]))


def _forecast() -> OperationResult:
    now = trusted_now(now=timezone.now())
    going = [one.job for one in plan_retention(now=now, absent=presence().absent()) if not one.keep]
    found = retention.forecast(jobs_by_uuids(going))
    return OperationResult(
        {
            "going": len(going),
            "forecast": [
                {
                    "storage_path": one.place.storage_path,
                    "encrypted": one.place.encrypted,
                    "snapshots": one.snapshots,
                    "total_bytes": one.total_bytes,
                    "freed_bytes": one.freed_bytes,
                    "young_bytes": one.young_bytes,
                    "worth_it": one.worth_it,
                }
                for one in found
            ],
        }
    )


def _prune(work: Work) -> OperationResult:
    if work.operation.arguments.get("dry_run"):
        return _forecast()
    result = retention.apply_retention(
        now=trusted_now(now=timezone.now()),
        tracker=work.tracker,
        tick=work.tick,
        prune=True if work.operation.arguments["force"] else None,
    )
    return OperationResult(_retention_details(result), error="; ".join(map(str, result.postponed)))


def _delete_configuration(work: Work) -> OperationResult:
    configuration = uuid.UUID(str(work.operation.arguments["configuration"]))
    if work.operation.arguments.get("backups"):
        by = work.operation.requested_by_name
        done = delete_with_backups(configuration, by=by, tracker=work.tracker, tick=work.tick)
        deleted = {} if done.configuration is None else dataclasses.asdict(done.configuration)
        return OperationResult({**deleted, **_retention_details(done.removal)}, error=done.error)
    return OperationResult(dataclasses.asdict(configuration_delete(configuration, now=timezone.now())))


def _retention_details(done: RetentionResult) -> dict[str, object]:
    return {
        "removed": [{"job": str(job.uuid), "name": job.job_name, "reason": job.removal_reason} for job in done.removed],
        "pruned": done.pruned,
        "freed_bytes": done.freed_bytes,
        "waiting": [
            {"repository": str(one.place.path), "bytes": one.bytes, "until": one.until and one.until.isoformat()}
            for one in done.waiting
        ],
        "postponed": [str(one) for one in done.postponed],
    }


def _backup(work: Work) -> BackupRef:
    job = job_by_uuid(uuid.UUID(str(work.operation.arguments["backup"])))
    if job is None or job.removal_started_at is not None:
        raise RequestRefused(f"The backup of {work.operation.subject} has been removed since the request.")
    return job_ref(job)


WORKS: Mapping[str, Callable[[Work], OperationResult]] = {
    OperationKind.VERIFY: _verify,
    OperationKind.PLAN: restoring.plan,
    OperationKind.RESTORE: restoring.restore,
    OperationKind.ROLLBACK: restoring.roll_back,
    OperationKind.RELEASE: restoring.release_replaced,
    OperationKind.REMOVE: _remove,
    OperationKind.PRUNE: _prune,
    OperationKind.CHECK: _check,
    OperationKind.UNLOCK: _unlock,
    OperationKind.DELETE_CONFIGURATION: _delete_configuration,
}
