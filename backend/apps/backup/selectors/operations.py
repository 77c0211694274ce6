"""Reads of operations, restores and uploads."""

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
_MOST_CHECKS = 200
_HAND_OVER_LIMIT = timedelta(minutes=1)
"""The time after which the process that wrote an operation will not hand it over any more."""


URGENT = Q(kind=OperationKind.ROLLBACK) | Q(kind=OperationKind.RESTORE, arguments__target="live")
"""Operations for which the users of a system that is down wait. There is one at a time."""
_URGENCY = Case(When(URGENT, then=0), When(kind=OperationKind.RESTORE, then=1), default=2)
"""The order of operations: restores of the live system, then other restores, then plans, verifications and the rest."""


def operation_by_uuid(operation: uuid.UUID) -> Operation | None:
    """Return the operation with the columns of lists, or None."""
    with ledger_access("looking for an operation"):
        return _operations().filter(uuid=operation).first()


def operations_matching(
    *, kind: str = "", status: Collection[str] = (), job: uuid.UUID | None = None, restore: uuid.UUID | None = None
) -> QuerySet[Operation]:
    """Return the operations that match all given arguments."""
    wanted = {"kind": kind, "status__in": status, "job__uuid": job, "restore__uuid": restore}
    return _operations().filter(**{name: value for name, value in wanted.items() if value})


def operations_runnable(*, now: datetime, limit: int, exclude: Collection[uuid.UUID] = ()) -> list[Operation]:
    """Return the PENDING operations for executors: restores first, then the oldest.

    They were handed over, or their process has not done so within `_HAND_OVER_LIMIT`.
    """
    with ledger_access("looking for operations to run"):
        handed_over = Q(dispatched_at__isnull=False) | Q(queued_at__lt=now - _HAND_OVER_LIMIT)
        rows = Operation.objects.using(ledger_alias()).filter(handed_over, status=OperationStatus.PENDING)
        return list(rows.exclude(uuid__in=exclude).order_by(_URGENCY, "queued_at", "id")[:limit])


def checks_latest() -> list[Operation]:
    """Return the completed checks of repositories among the newest ones, oldest first."""
    with ledger_access("looking for the latest checks"):
        rows = _operations().filter(kind=OperationKind.CHECK, status=OperationStatus.COMPLETED)
        return list(rows.order_by("-completed_at")[:_MOST_CHECKS])[::-1]


def operations_to_send(*, now: datetime, patience: timedelta) -> list[uuid.UUID]:
    """Return the PENDING operations whose message to the workers was never sent, or is older than `patience`."""
    with ledger_access("looking for operations whose message is lost"):
        lost = Q(dispatched_at=None, queued_at__lt=now - _HAND_OVER_LIMIT) | Q(dispatched_at__lt=now - patience)
        rows = Operation.objects.using(ledger_alias()).filter(lost, status=OperationStatus.PENDING)
        return list(rows.order_by(_URGENCY, "queued_at", "id").values_list("uuid", flat=True)[:_MOST_SENT])


def restore_by_uuid(restore: uuid.UUID) -> RestoreJob | None:
    """Return the restore with the columns of lists, or None."""
    with ledger_access("looking for a restore"):
        return _restores().filter(uuid=restore).first()


def restores_matching(
    *, status: Collection[str] = (), restore_type: str = "", rollback_state: str = "", job: uuid.UUID | None = None
) -> QuerySet[RestoreJob]:
    """Return the restores that match all given arguments."""
    wanted = {
        "status__in": status,
        "restore_type": restore_type,
        "rollback_state": rollback_state,
        "backup_job__uuid": job,
    }
    return _restores().filter(**{name: value for name, value in wanted.items() if value})


def uploads_of(user: AbstractBaseUser) -> QuerySet[Upload]:
    """Return the uploads of a user."""
    return Upload.objects.using(ledger_alias()).filter(created_by_id=user.pk)


def _operations() -> QuerySet[Operation]:
    rows = Operation.objects.using(ledger_alias())
    return rows.select_related("job", "restore", "requested_by", "decided_by")


def _restores() -> QuerySet[RestoreJob]:
    rows = RestoreJob.objects.using(ledger_alias())
    # With an explicit database: by default a prefetch reads from the database that routers choose for reads.
    operations = Prefetch("operations", Operation.objects.using(ledger_alias()))
    return rows.select_related("backup_job", "requested_by").prefetch_related(operations)


def operation_of(operation: uuid.UUID) -> Operation:
    """Return the row of an operation. Raises `OperationNotFound`."""
    # With its related rows: read later, they would come from the database that routers choose for reads.
    rows = Operation.objects.using(ledger_alias())
    row = rows.select_related("job", "restore").filter(uuid=operation).first()
    if row is None:
        raise OperationNotFound(f"There is no operation {operation}.")
    return row


def upload_of(upload: uuid.UUID, *, user: AbstractBaseUser) -> Upload:
    """Return an upload of this user. Raises `UploadNotFound`, also for an upload of another user."""
    with ledger_access("looking for an upload"):
        row = uploads_of(user).filter(uuid=upload).first()
    if row is None:
        raise UploadNotFound(f"There is no upload {upload} of yours.")
    return row
