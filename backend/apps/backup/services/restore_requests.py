"""The requests of operations about restores: a plan, a restore, its rollback, its release."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from ..errors import IllegalTransition, RequestRefused, RestoreNotFound
from ..ledger import ledger_access, ledger_alias
from ..models import (
    BackupJob,
    BackupType,
    Operation,
    OperationKind,
    OperationStatus,
    RestoreJob,
    RestoreType,
    RollbackState,
)
from ..policies.restore_request import RestoreRequest
from ..selectors.backups import finished_backup
from ..selectors.operations import operation_of, upload_of
from ..storage.upload_files import length
from .audit import AuditObject
from .jobs import audited
from .operations import OperationRequest, operation_create
from .restores import NewRestore, restore_create

_TYPES: Mapping[str, str] = {
    "database": RestoreType.DATABASE_RESTORE,
    "files": RestoreType.FILES_RESTORE,
    BackupType.DATABASE: RestoreType.DATABASE_RESTORE,
    BackupType.FILES: RestoreType.FILES_RESTORE,
}
_LIVE = Q(kind=OperationKind.RESTORE, arguments__target="live") | Q(
    kind__in=[OperationKind.ROLLBACK, OperationKind.RELEASE]
)


def plan_request(request: RestoreRequest, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Request the plan of a restore, which becomes the operation's `result`.

    Raises as `verify_request`, and `RequestRefused`.
    """
    job, target, subject = _source(request, user)
    no_rivals = Q(pk__in=[])
    operation = OperationRequest(OperationKind.PLAN, target, subject, no_rivals, request.to_json(), job=job)
    return operation_create(operation, user=user, now=now)


def restore_request(
    request: RestoreRequest,
    *,
    user: AbstractBaseUser,
    now: datetime,
    confirm: str = "",
    plan: uuid.UUID | None = None,
) -> Operation:
    """Request a restore. The operation's `restore` is the restore's own row, PENDING.

    `confirm` is the name of the backup, which the user types to replace the live system. `plan` is the operation that
    made the plan that the user saw. Raises as `verify_request`, and `RequestRefused`.
    """
    job, target, subject = _source(request, user)
    if request.target == "live" and confirm != subject:
        text = f"Type {subject!r} to replace the live system."
        raise RequestRefused(f"The restore is not confirmed. {text}", [("confirm", text)])
    shown = {} if plan is None else _plan_shown(plan, request)
    row = NewRestore(
        restore_type=_restore_type(request, job),
        backup_job=None if job is None else job.uuid,
        backup_reference=subject,
        target=request.target if request.target == "live" else f"{request.target} {request.name}",
        plan=shown,
    )
    place = Q(kind=OperationKind.RESTORE, arguments__target=request.target, arguments__name=request.name)
    with transaction.atomic(using=ledger_alias()):
        restore = restore_create(row, now=now, requested_by=user)
        operation = OperationRequest(
            OperationKind.RESTORE,
            target,
            subject,
            _LIVE if request.target == "live" else place,
            request.to_json(),
            job=job,
            restore=restore,
        )
        return operation_create(operation, user=user, now=now)


def rollback_request(
    restore: uuid.UUID, *, user: AbstractBaseUser, now: datetime, safety_backup: bool = True
) -> Operation:
    """Request a rollback, which makes the state before a restore live again, after a backup of the present one.

    Raises `RestoreNotFound`, `IllegalTransition`, `AlreadyRunning`.
    """
    return _of_restore(OperationKind.ROLLBACK, restore, user, now, safety_backup=safety_backup)


def release_request(restore: uuid.UUID, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Request the deletion of the data that a restore replaced. Raises as `rollback_request`."""
    return _of_restore(OperationKind.RELEASE, restore, user, now)


def _of_restore(
    kind: OperationKind, restore: uuid.UUID, user: AbstractBaseUser, now: datetime, **choices: bool
) -> Operation:
    with ledger_access("looking for a restore"):
        row = RestoreJob.objects.using(ledger_alias()).filter(uuid=restore).first()
    if row is None:
        raise RestoreNotFound(f"There is no restore {restore}.")
    if row.rollback_state != RollbackState.AVAILABLE:
        raise IllegalTransition(
            f"The restore {restore} has no replaced data that is still kept ({row.get_rollback_state_display()})."
        )
    target = AuditObject("restore", str(restore), row.backup_reference)
    # Restores, rollbacks and releases exclude each other: each changes the live data, or the data kept for a rollback.
    arguments = {"restore": str(restore), **choices}
    request = OperationRequest(kind, target, f"the restore of {row.backup_reference}", _LIVE, arguments, restore=row)
    return operation_create(request, user=user, now=now)


def _source(request: RestoreRequest, user: AbstractBaseUser) -> tuple[BackupJob | None, AuditObject, str]:
    if request.upload is None:
        if request.backup is None:
            raise RequestRefused("The request names no backup.", [("backup", "Give a job's uuid, or `upload`.")])
        row = finished_backup(request.backup)
        return row, audited(row), row.job_name
    upload = upload_of(request.upload, user=user)
    received = length(upload.uuid)
    if received != upload.size:
        raise IllegalTransition(
            f"The upload {upload.name} has {received} of {upload.size} bytes; send the others first."
        )
    return None, AuditObject("upload", str(upload.uuid), upload.name), upload.name


def _restore_type(request: RestoreRequest, job: BackupJob | None) -> str:
    if request.paths or request.tables:
        return RestoreType.SELECTIVE_RESTORE
    kind = request.only or ("" if job is None else job.backup_type)
    if request.target == "database":
        kind = "database"
    return _TYPES.get(kind, RestoreType.FULL_RESTORE)


def _plan_shown(plan: uuid.UUID, request: RestoreRequest) -> dict[str, object]:
    row = operation_of(plan)
    if row.kind != OperationKind.PLAN or row.status != OperationStatus.COMPLETED:
        raise IllegalTransition(f"The operation {plan} is not a completed plan ({row.kind}, {row.status}).")
    if RestoreRequest.from_json(row.arguments) != request:
        reason = "The plan was made for other values. Make a new plan."
        raise RequestRefused("The plan was made for another request.", [("plan", reason)])
    blocking = row.result.get("blocking")
    if blocking:
        raise IllegalTransition("The restore is not possible: " + "; ".join(map(str, blocking)))
    return dict(row.result)
