"""The operations about restores that people ask for: a plan, a restore, its rollback, its release."""

from __future__ import annotations

import dataclasses
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
from ..selectors.backups import stored_backup
from ..storage.upload_files import length
from .audit import AuditObject
from .jobs import audited
from .operations import OperationRequest, operation_create, operation_of
from .restores import RestoreRequest, restore_create
from .uploads import upload_of

_TYPES: Mapping[str, str] = {
    "database": RestoreType.DATABASE_RESTORE,
    "files": RestoreType.FILES_RESTORE,
    BackupType.DATABASE: RestoreType.DATABASE_RESTORE,
    BackupType.FILES: RestoreType.FILES_RESTORE,
}
_LIVE = Q(kind=OperationKind.RESTORE, arguments__target="live") | Q(
    kind__in=[OperationKind.ROLLBACK, OperationKind.RELEASE]
)


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreChoices:
    """What is to be restored, from what, to where.

    From the stored backup of `backup`, a job, or the package `upload`; to the "live" system, or to the "folder" or
    "database" `name`. `only` is "database" or "files", "" for all; `leave_out` are tables of a package. To a folder,
    `paths` are all that is restored, as texts of `names`, to a database `tables`; none are the whole. `drop_access`
    removes sessions and tokens before the database goes live; None: only from packages of other systems.
    """

    backup: uuid.UUID | None = None
    upload: uuid.UUID | None = None
    target: str = "live"
    name: str = ""
    only: str = ""
    leave_out: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    safety_backup: bool = True
    drop_access: bool | None = None

    def to_json(self) -> dict[str, object]:
        """As an operation's arguments."""
        return {
            "backup": "" if self.backup is None else str(self.backup),
            "upload": "" if self.upload is None else str(self.upload),
            "target": self.target,
            "name": self.name,
            "only": self.only,
            "leave_out": sorted(self.leave_out),
            "paths": sorted(set(self.paths)),
            "tables": sorted(set(self.tables)),
            "safety_backup": self.safety_backup,
            "drop_access": self.drop_access,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> RestoreChoices:
        """The choices that `to_json` wrote, now or when there were fewer."""
        return cls(
            backup=uuid.UUID(str(values["backup"])) if values["backup"] else None,
            upload=uuid.UUID(str(values["upload"])) if values["upload"] else None,
            target=str(values["target"]),
            name=str(values["name"]),
            only=str(values["only"]),
            leave_out=_texts(values, "leave_out"),
            paths=_texts(values, "paths"),
            tables=_texts(values, "tables"),
            safety_backup=bool(values["safety_backup"]),
            drop_access=None if values.get("drop_access") is None else bool(values["drop_access"]),
        )


def _texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    texts = values.get(name)
    return tuple(map(str, texts)) if isinstance(texts, list) else ()


def plan_request(choices: RestoreChoices, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Plan a restore; the operation's `result` is the plan. Raises as `verify_request`, and `RequestRefused`."""
    job, target, subject = _source(choices, user)
    nobody = Q(pk__in=[])
    request = OperationRequest(OperationKind.PLAN, target, subject, nobody, choices.to_json(), job=job)
    return operation_create(request, user=user, now=now)


def restore_request(
    choices: RestoreChoices,
    *,
    user: AbstractBaseUser,
    now: datetime,
    confirm: str = "",
    plan: uuid.UUID | None = None,
) -> Operation:
    """Restore; the operation has the restore's own row, PENDING, in `restore`.

    `confirm` is the name of what is restored, typed by whoever replaces the live system; `plan` the operation that
    made the plan which was shown. Raises as `verify_request`, and `RequestRefused`.
    """
    job, target, subject = _source(choices, user)
    if choices.target == "live" and confirm != subject:
        text = f"It is {subject!r}, typed by whoever replaces the live system."
        raise RequestRefused(f"The restore is not confirmed. {text}", [("confirm", text)])
    shown = {} if plan is None else _plan_shown(plan, choices)
    request = RestoreRequest(
        restore_type=_restore_type(choices, job),
        backup_job=None if job is None else job.uuid,
        backup_reference=subject,
        target=choices.target if choices.target == "live" else f"{choices.target} {choices.name}",
        plan=shown,
    )
    place = Q(kind=OperationKind.RESTORE, arguments__target=choices.target, arguments__name=choices.name)
    with transaction.atomic(using=ledger_alias()):
        restore = restore_create(request, now=now, requested_by=user)
        operation = OperationRequest(
            OperationKind.RESTORE,
            target,
            subject,
            _LIVE if choices.target == "live" else place,
            choices.to_json(),
            job=job,
            restore=restore,
        )
        return operation_create(operation, user=user, now=now)


def rollback_request(
    restore: uuid.UUID, *, user: AbstractBaseUser, now: datetime, safety_backup: bool = True
) -> Operation:
    """Make the state before a restore live again, after a backup of the live one. Raises `RestoreNotFound`,
    `IllegalTransition`, `AlreadyRunning`."""
    return _of_restore(OperationKind.ROLLBACK, restore, user, now, safety_backup=safety_backup)


def release_request(restore: uuid.UUID, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Delete what a restore replaced. Raises as `rollback_request`."""
    return _of_restore(OperationKind.RELEASE, restore, user, now)


def _of_restore(
    kind: OperationKind, restore: uuid.UUID, user: AbstractBaseUser, now: datetime, **choices: bool
) -> Operation:
    with ledger_access("looking for a restore"):
        row = RestoreJob.objects.using(ledger_alias()).filter(uuid=restore).first()
    if row is None:
        raise RestoreNotFound(f"There is no restore {restore}.")
    if row.rollback_state != RollbackState.AVAILABLE:
        raise IllegalTransition(f"Of the restore {restore} nothing is kept ({row.get_rollback_state_display()}).")
    target = AuditObject("restore", str(restore), row.backup_reference)
    # All of them change what is live, or what can become live again.
    arguments = {"restore": str(restore), **choices}
    request = OperationRequest(kind, target, f"the restore of {row.backup_reference}", _LIVE, arguments, restore=row)
    return operation_create(request, user=user, now=now)


def _source(choices: RestoreChoices, user: AbstractBaseUser) -> tuple[BackupJob | None, AuditObject, str]:
    if choices.upload is None:
        if choices.backup is None:
            raise RequestRefused("It is not said what to restore.", [("backup", "A job's uuid, or `upload`.")])
        row = stored_backup(choices.backup)
        return row, audited(row), row.job_name
    upload = upload_of(choices.upload, user=user)
    there = length(upload.uuid)
    if there != upload.size:
        raise IllegalTransition(f"The upload {upload.name} has {there} of {upload.size} bytes; send the others first.")
    return None, AuditObject("upload", str(upload.uuid), upload.name), upload.name


def _restore_type(choices: RestoreChoices, job: BackupJob | None) -> str:
    if choices.paths or choices.tables:
        return RestoreType.SELECTIVE_RESTORE
    kind = choices.only or ("" if job is None else job.backup_type)
    if choices.target == "database":
        kind = "database"
    return _TYPES.get(kind, RestoreType.FULL_RESTORE)


def _plan_shown(plan: uuid.UUID, choices: RestoreChoices) -> dict[str, object]:
    row = operation_of(plan)
    if row.kind != OperationKind.PLAN or row.status != OperationStatus.COMPLETED:
        raise IllegalTransition(f"The operation {plan} is no plan that was made ({row.kind}, {row.status}).")
    if RestoreChoices.from_json(row.arguments).to_json() != choices.to_json():
        raise RequestRefused("The plan is of other choices.", [("plan", "It was made for other choices than these.")])
    blocking = row.result.get("blocking")
    if blocking:
        raise IllegalTransition("The restore cannot be done: " + "; ".join(map(str, blocking)))
    return dict(row.result)
