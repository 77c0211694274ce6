"""The rows of uploads: created, deleted by their user, and deleted after a day without new data."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from .. import conf
from ..errors import AlreadyRunning, RequestRefused, StorageFull
from ..ledger import ledger_access, ledger_alias
from ..models import Operation, Upload
from ..selectors import next_backups_bytes
from ..selectors.operations import upload_of
from ..storage import upload_files as uploads
from .audit import AuditObject, audit_record
from .job_log import storable_text
from .operations import OPEN

IDLE_LIMIT = timedelta(hours=24)
"""The time without new data after which an upload is deleted."""

_MOST = 20


def upload_create(name: str, size: int, *, user: AbstractBaseUser, now: datetime) -> Upload:
    """Begin an upload of `size` bytes.

    Raises `RequestRefused`, `StorageFull`, `AlreadyRunning` for too many at once, `StorageBusy`.
    """
    most = conf.load().upload_max_bytes
    if not 0 < size <= most:
        text = f"It is a number of bytes from 1 to {most:,}."
        raise RequestRefused(f"The size of the upload: {text}", [("size", text)])
    row = Upload(name=storable_text(name)[:255], size=size, created_by_id=user.pk, created_at=now)
    with uploads.upload_start_lock():
        _require_allowance(row, most)
        uploads.make_file(row.uuid)
        try:
            with ledger_access("beginning an upload"), transaction.atomic(using=ledger_alias()):
                row.save(force_insert=True, using=ledger_alias())
                audit_record("upload.create", _audited(row), details={"size": size})
        except BaseException:
            uploads.remove_file(row.uuid)
            raise
    return row


def _require_allowance(row: Upload, most: int) -> None:
    """Refuse an upload beyond the allowance of its user or the room of the storage."""
    with ledger_access("beginning an upload"):
        others = list(Upload.objects.using(ledger_alias()).all())
    own = [other.size for other in others if other.created_by_id == row.created_by_id]
    if len(own) >= _MOST:
        raise AlreadyRunning(f"There are {_MOST} uploads of yours already; delete some first.")
    if sum(own) + row.size > most:
        raise StorageFull(
            f"Your uploads may have {most:,} bytes together and have {sum(own):,}; {row.size:,} more are too many."
            " Delete one of them first."
        )
    promised = sum(max(0, other.size - uploads.length(other.uuid)) for other in others)
    uploads.require_room(row.size, promised=promised, kept=next_backups_bytes())


def upload_delete(upload: uuid.UUID, *, user: AbstractBaseUser) -> None:
    """Delete an upload of this user. Raises `UploadNotFound`, or `AlreadyRunning` while an operation needs it."""
    row = upload_of(upload, user=user)
    if not _delete(row, action="upload.delete"):
        raise AlreadyRunning(f"An operation needs the upload {row.name}; wait for its end, or cancel it.")


def uploads_expire(*, now: datetime) -> None:
    """Delete uploads without new data for `IDLE_LIMIT` that no operation needs."""
    before, files = now - IDLE_LIMIT, uploads.files()
    with ledger_access("looking for abandoned uploads"):
        rows = list(Upload.objects.using(ledger_alias()).filter(created_at__lt=before))
        known = set(Upload.objects.using(ledger_alias()).filter(uuid__in=files).values_list("uuid", flat=True))
    for row in rows:
        if files.get(row.uuid, 0) < before.timestamp():
            _delete(row, action="upload.expire")
    for upload in set(files) - known:
        # A file without a row: a restore has replaced the catalogue, or a crash came between the file and the row.
        if files[upload] < before.timestamp():
            uploads.remove_file(upload)


def _delete(row: Upload, *, action: str) -> bool:
    with ledger_access("deleting an upload"), transaction.atomic(using=ledger_alias()):
        needed = Operation.objects.using(ledger_alias()).filter(status__in=OPEN, arguments__upload=str(row.uuid))
        if needed.exists():
            return False
        audited = _audited(row)
        row.delete()
        audit_record(action, audited)
    uploads.remove_file(row.uuid)
    return True


def _audited(row: Upload) -> AuditObject:
    return AuditObject("upload", str(row.uuid), row.name)
