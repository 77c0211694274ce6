"""What has changed since a moment, in the small form in which those who look on are told of it."""

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
"""What the audit trail says of a configuration that is gone."""


class ChangeType(enum.StrEnum):
    """Of what kind the object is that has changed."""

    JOB = "job"
    RESTORE = "restore"
    OPERATION = "operation"
    CONFIGURATION = "configuration"


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """The state of an object after a change: all of it, so that being told twice does no harm.

    `kind` is the type of the backup or the restore, or what the operation does. What an object of the type does not
    have is None; of a configuration that was deleted nothing is left but its name.
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
        """The same for the same change of the same object."""
        return (self.type, self.uuid, self.changed_at, self.deleted)


_TIMES: Final = {name: name for name in ("queued_at", "started_at", "completed_at")}
# By type: the rows, and by field of a change the column.
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


def changes_since(moment: datetime, *, limit: int) -> list[Change]:
    """What has changed at that moment or later, the latest changes, in their order; at most so many and one more.

    Five queries, each of them answered by an index.
    """
    with ledger_access("looking for changes"):
        found = [
            *itertools.chain.from_iterable(_rows(*one, moment, limit + 1) for one in _COLUMNS),
            *_deleted(moment, limit + 1),
        ]
    return sorted(found, key=lambda change: change.changed_at)[-limit - 1 :]


def _rows(
    kind: ChangeType, model: type[Model], columns: Mapping[str, str], moment: datetime, most: int
) -> Iterator[Change]:
    names = {"uuid": "uuid", "changed_at": "changed_at", "status": "status", **columns}
    rows: QuerySet[Any] = model._default_manager.using(ledger_alias()).filter(changed_at__gte=moment)
    for values in rows.order_by("-changed_at", "-pk").values_list(*names.values())[:most]:
        found = dict(zip(names, values, strict=True))
        if kind is ChangeType.RESTORE:
            # Its phases, of which the last one is at work, or was.
            found["progress"] = {"phase": found["progress"][-1]["phase"]} if found["progress"] else {}
        if found["status"] != JobStatus.RUNNING and "progress" in found:
            # Of what has ended it would tell how far it once was.
            found["progress"] = {}
        yield Change(type=kind, **found)


def _deleted(moment: datetime, most: int) -> Iterator[Change]:
    events = AuditEvent.objects.using(ledger_alias()).filter(at__gte=moment, action=CONFIGURATION_DELETED)
    for at, key, name in events.order_by("-at", "-pk").values_list("at", "object_key", "object_name")[:most]:
        yield Change(ChangeType.CONFIGURATION, UUID(key), at, name, deleted=True)
