"""The audit trail as rows: the lock that serialises writers, and appending to the chain."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from . import chain
from .models import AuditEntry, Register

INSERT_ROWS = 100


@dataclass(frozen=True)
class Event:
    """What happened to one object, before it has its place in the chain."""

    action: str
    object_type: str
    object_id: uuid.UUID
    details: chain.Details


def register_lock() -> Register:
    """The register, locked until the transaction ends, so that writers come one after the other.

    Must be called first in a transaction: all writers lock it before anything else, so none waits for another's rows.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("The register is locked inside a transaction only.")
    row = Register.objects.filter(id=Register.ONLY)
    # An UPDATE that changes nothing locks the row on every database. On SQLite it must come before any SELECT: a
    # transaction that has read cannot begin to write any more once another one has written.
    if not row.update(id=Register.ONLY):
        Register.objects.get_or_create(id=Register.ONLY)
        row.update(id=Register.ONLY)
    return row.get()


def append(register: Register, events: Sequence[Event], *, actor: str) -> None:
    """Add the events to the end of the chain, in order, and note its new end in the locked register."""
    rows = []
    for event in events:
        row = _entry(register, event, actor=actor, now=timezone.now())
        rows.append(row)
        register.last_sequence, register.last_hash = row.sequence, row.hash
    AuditEntry.objects.bulk_create(rows, batch_size=INSERT_ROWS)
    register.save()


def _entry(register: Register, event: Event, *, actor: str, now: datetime) -> AuditEntry:
    entry = AuditEntry(
        sequence=register.last_sequence + 1,
        recorded_at=now,
        actor=actor,
        action=event.action,
        object_type=event.object_type,
        object_id=event.object_id,
        details=dict(event.details),
        previous_hash=register.last_hash,
    )
    content = entry_content(entry)
    entry.field_marks = chain.marks(content)
    entry.hash = chain.link(entry.previous_hash, content, entry.field_marks)
    return entry


def entry_content(entry: AuditEntry) -> dict[str, object]:
    """What the row says, in the form that is hashed."""
    return chain.fields(
        entry_id=entry.id,
        sequence=entry.sequence,
        recorded_at=entry.recorded_at,
        actor=entry.actor,
        action=entry.action,
        object_type=entry.object_type,
        object_id=entry.object_id,
        details=entry.details,
    )
