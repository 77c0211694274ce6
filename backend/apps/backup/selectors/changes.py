"""The changed rows since a time, in the small form of the event stream."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, QuerySet

from ..ledger import ledger_access, ledger_alias
from ..models import AuditEvent, BackupConfiguration, BackupJob, JobStatus, Operation, RestoreJob

CONFIGURATION_DELETED: Final = "configuration.delete"
"""The action in the audit trail of a deleted configuration, which has no row any more."""


class ChangeType(enum.StrEnum):
    """The kind of the changed object."""

    JOB = "job"
    RESTORE = "restore"
    OPERATION = "operation"
    CONFIGURATION = "configuration"


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """The complete state of an object after a change, so that receiving it twice does no harm.

    `kind` is the type of the backup or the restore, or the kind of the operation. Fields that objects of the type do
    not have are None; a deleted configuration has only its name.
    """

    type: ChangeType
    uuid: UUID
    changed_at: datetime
    name: str
    kind: str | None = None
    status: str | None = None
    trust: str | None = None
    progress: Mapping[str, object] | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deleted: bool = False

    @property
    def key(self) -> tuple[ChangeType, UUID, datetime, bool]:
        """The identity of the change: equal for the same change of the same object."""
        return (self.type, self.uuid, self.changed_at, self.deleted)


_TIMES: Final = {name: name for name in ("queued_at", "started_at", "completed_at")}
# For each type: the model, and the column of each field of `Change`.
_COLUMNS: Final[tuple[tuple[ChangeType, type[Model], Mapping[str, str]], ...]] = (
    (
        ChangeType.JOB,
        BackupJob,
        {"name": "job_name", "kind": "backup_type", "trust": "trust", "progress": "progress", **_TIMES},
    ),
    (
        ChangeType.RESTORE,
        RestoreJob,
        {"name": "backup_reference", "kind": "restore_type", "progress": "phases", **_TIMES},
    ),
    (ChangeType.OPERATION, Operation, {"name": "subject", "kind": "kind", "progress": "progress", **_TIMES}),
    (ChangeType.CONFIGURATION, BackupConfiguration, {"name": "name", "kind": "backup_type"}),
)


def changes_since(since: datetime, *, limit: int) -> list[Change]:
    """Return the latest changes at `since` or later, oldest first; at most `limit` and one more.

    This takes five queries, each answered by an index.
    """
    with ledger_access("looking for changes"):
        found = [
            *itertools.chain.from_iterable(_changed_rows(*one, since, limit + 1) for one in _COLUMNS),
            *_deleted_configurations(since, limit + 1),
        ]
    return sorted(found, key=lambda change: change.changed_at)[-limit - 1 :]


def _changed_rows(
    kind: ChangeType, model: type[Model], columns: Mapping[str, str], since: datetime, most: int
) -> Iterator[Change]:
    names = {"uuid": "uuid", "changed_at": "changed_at", "status": "status", **columns}
    rows: QuerySet[Any] = model._default_manager.using(ledger_alias()).filter(changed_at__gte=since)
    for values in rows.order_by("-changed_at", "-pk").values_list(*names.values())[:most]:
        found = dict(zip(names, values, strict=True))
        if kind is ChangeType.RESTORE:
            # The last one of the phases is the present one, or was the last.
            found["progress"] = {"phase": found["progress"][-1]["phase"]} if found["progress"] else {}
        if found["status"] != JobStatus.RUNNING and "progress" in found:
            # After the end the progress would be an old one.
            found["progress"] = {}
        yield Change(type=kind, **found)


def _deleted_configurations(since: datetime, most: int) -> Iterator[Change]:
    events = AuditEvent.objects.using(ledger_alias()).filter(at__gte=since, action=CONFIGURATION_DELETED)
    for at, key, name in events.order_by("-at", "-pk").values_list("at", "object_key", "object_name")[:most]:
        yield Change(ChangeType.CONFIGURATION, UUID(key), at, name, deleted=True)
