"""Operations, restores and uploads."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Case, Prefetch, Q, QuerySet, When

from ..errors import (
    OperationNotFound,
    UploadNotFound,
)
from ..ledger import ledger_access, ledger_alias
from ..models import Operation, OperationKind, OperationStatus, RestoreJob, Upload

_MOST_SENT = 100
_FORGOTTEN = timedelta(minutes=1)
"""Whoever wrote an operation down and has not handed it over since will not any more."""


URGENT = Q(kind=OperationKind.ROLLBACK) | Q(kind=OperationKind.RESTORE, arguments__target="live")
"""Somebody waits for them whose system is down. There is one at a time."""
_URGENCY = Case(When(URGENT, then=0), When(kind=OperationKind.RESTORE, then=1), default=2)
"""Restores beside the live system wait for those of it; plans and verifications may wait for both."""


def operation_by_uuid(operation: uuid.UUID) -> Operation | None:
    """The operation, with what lists show of it."""
    with ledger_access("looking for an operation"):
        return _operations().filter(uuid=operation).first()


def operations_matching(
    *, kind: str = "", status: Collection[str] = (), job: uuid.UUID | None = None, restore: uuid.UUID | None = None
) -> QuerySet[Operation]:
    """All, or those that all of it is true of."""
    wanted = {"kind": kind, "status__in": status, "job__uuid": job, "restore__uuid": restore}
    return _operations().filter(**{name: value for name, value in wanted.items() if value})


def operations_runnable(*, now: datetime, limit: int, exclude: Collection[uuid.UUID] = ()) -> list[Operation]:
    """PENDING ones that were left to an executor, or forgotten: restores first, then the oldest."""
    with ledger_access("looking for operations to run"):
        handed_over = Q(dispatched_at__isnull=False) | Q(queued_at__lt=now - _FORGOTTEN)
        rows = Operation.objects.using(ledger_alias()).filter(handed_over, status=OperationStatus.PENDING)
        return list(rows.exclude(uuid__in=exclude).order_by(_URGENCY, "queued_at", "id")[:limit])


def operations_to_send(*, now: datetime, patience: timedelta) -> list[uuid.UUID]:
    """PENDING ones for the workers whose message was never sent, or so long ago that it must be lost."""
    with ledger_access("looking for operations whose message is lost"):
        lost = Q(dispatched_at=None, queued_at__lt=now - _FORGOTTEN) | Q(dispatched_at__lt=now - patience)
        rows = Operation.objects.using(ledger_alias()).filter(lost, status=OperationStatus.PENDING)
        return list(rows.order_by(_URGENCY, "queued_at", "id").values_list("uuid", flat=True)[:_MOST_SENT])


def restore_by_uuid(restore: uuid.UUID) -> RestoreJob | None:
    """The restore, with what lists show of it."""
    with ledger_access("looking for a restore"):
        return _restores().filter(uuid=restore).first()


def restores_matching(
    *, status: Collection[str] = (), restore_type: str = "", rollback_state: str = "", job: uuid.UUID | None = None
) -> QuerySet[RestoreJob]:
    """All, or those that all of it is true of."""
    wanted = {
        "status__in": status,
        "restore_type": restore_type,
        "rollback_state": rollback_state,
        "backup_job__uuid": job,
    }
    return _restores().filter(**{name: value for name, value in wanted.items() if value})


def uploads_of(user: AbstractBaseUser) -> QuerySet[Upload]:
    """The uploads that somebody has made."""
    return Upload.objects.using(ledger_alias()).filter(created_by_id=user.pk)


def _operations() -> QuerySet[Operation]:
    rows = Operation.objects.using(ledger_alias())
    return rows.select_related("job", "restore", "requested_by", "decided_by")


def _restores() -> QuerySet[RestoreJob]:
    rows = RestoreJob.objects.using(ledger_alias())
    # Said once more: by itself it would be read from wherever routers read.
    operations = Prefetch("operations", Operation.objects.using(ledger_alias()))
    return rows.select_related("backup_job", "requested_by").prefetch_related(operations)


def operation_of(operation: uuid.UUID) -> Operation:
    """Its row. Raises `OperationNotFound`."""
    # What it is about comes with it: read by itself, it would come from wherever routers read.
    rows = Operation.objects.using(ledger_alias())
    row = rows.select_related("job", "restore").filter(uuid=operation).first()
    if row is None:
        raise OperationNotFound(f"There is no operation {operation}.")
    return row


def upload_of(upload: uuid.UUID, *, user: AbstractBaseUser) -> Upload:
    """The upload, for whoever made it. Raises `UploadNotFound` for everybody else."""
    with ledger_access("looking for an upload"):
        row = uploads_of(user).filter(uuid=upload).first()
    if row is None:
        raise UploadNotFound(f"There is no upload {upload} of yours.")
    return row
