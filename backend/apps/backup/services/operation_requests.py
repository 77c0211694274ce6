"""The requests of operations, one function for each kind: it checks the preconditions and writes the operation.

Each returns the operation, PENDING or AWAITING_APPROVAL; the caller dispatches it. Requests about restores are in
`restore_requests`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q

from ..errors import ConfigurationNotFound, IllegalTransition, StorageAbsent
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, Operation, OperationKind
from ..selectors.backups import finished_backup
from ..storage.locations import RepositoryPlace
from .audit import AuditObject
from .jobs import audited
from .operations import OperationRequest, operation_create


def verify_request(job: uuid.UUID, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Request the verification of a stored backup.

    Raises `JobNotFound`, `BackupRemoved`, `IllegalTransition`, `AlreadyRunning`.
    """
    row = finished_backup(job)
    rivals = Q(kind=OperationKind.VERIFY, job=row)
    return operation_create(
        OperationRequest(OperationKind.VERIFY, audited(row), row.job_name, rivals, {"backup": str(row.uuid)}, job=row),
        user=user,
        now=now,
    )


def remove_request(job: uuid.UUID, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Request the deletion of a stored backup. Raises as `verify_request`; a pinned backup is refused."""
    row = finished_backup(job)
    if row.is_pinned:
        raise IllegalTransition(f"The backup of {row.job_name} is pinned ({row.pin_reason}); unpin it first.")
    rivals = Q(job=row) & ~Q(kind=OperationKind.PLAN)
    return operation_create(
        OperationRequest(OperationKind.REMOVE, audited(row), row.job_name, rivals, {"backup": str(row.uuid)}, job=row),
        user=user,
        now=now,
    )


def prune_request(*, user: AbstractBaseUser, now: datetime, force: bool = False, dry_run: bool = False) -> Operation:
    """Request a prune: apply retention and free space. With `force` it runs even if it frees little.

    With `dry_run` it only forecasts what would be removed and freed.

    Raises `AlreadyRunning`.
    """
    request = OperationRequest(
        OperationKind.PRUNE,
        AuditObject("storage"),
        "the backup storage",
        Q(kind=OperationKind.PRUNE),
        {"force": force, **({"dry_run": True} if dry_run else {})},
    )
    return operation_create(request, user=user, now=now)


def check_request(place: RepositoryPlace, *, read_data: bool, user: AbstractBaseUser, now: datetime) -> Operation:
    """Request the check of a repository; with `read_data`, every byte is read.

    Raises `StorageAbsent` if there is none, `AlreadyRunning`.
    """
    return operation_create(_of_repository(OperationKind.CHECK, place, {"read_data": read_data}), user=user, now=now)


def unlock_request(place: RepositoryPlace, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Request the removal of locks whose owners have ended. Raises `StorageAbsent`, `AlreadyRunning`."""
    return operation_create(_of_repository(OperationKind.UNLOCK, place, {}), user=user, now=now)


def _of_repository(kind: OperationKind, place: RepositoryPlace, arguments: Mapping[str, object]) -> OperationRequest:
    if not place.exists():
        raise StorageAbsent(f"There is no repository at {str(place.path)!r}. Mount its storage or put it back.")
    of = {"storage_path": place.storage_path, "encrypted": place.encrypted}
    rivals = Q(kind=kind, **{f"arguments__{name}": value for name, value in of.items()})
    target = AuditObject("storage", place.storage_path)
    return OperationRequest(kind, target, str(place.path), rivals, {**of, **arguments})


def configuration_delete_request(
    configuration: uuid.UUID, *, backups: bool, user: AbstractBaseUser, now: datetime
) -> Operation:
    """Request the deletion of a configuration, also of its `backups`, after another user's approval if it is required.

    Raises `ConfigurationNotFound`, `AlreadyRunning`.
    """
    with ledger_access("asking for the deletion of a configuration"):
        row = BackupConfiguration.objects.using(ledger_alias()).filter(uuid=configuration).first()
    if row is None:
        raise ConfigurationNotFound(f"There is no configuration {configuration}.")
    arguments: dict[str, object] = {"configuration": str(configuration), **({"backups": True} if backups else {})}
    rivals = Q(kind=OperationKind.DELETE_CONFIGURATION, arguments__configuration=str(configuration))
    target = AuditObject("configuration", str(configuration), row.name)
    request = OperationRequest(OperationKind.DELETE_CONFIGURATION, target, row.name, rivals, arguments)
    return operation_create(request, user=user, now=now)
