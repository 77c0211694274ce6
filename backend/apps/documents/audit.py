"""The audit trail in the database: lock it, and append entries to its hash chain."""

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
    """A change of one object, not yet in the chain."""

    action: str
    object_type: str
    object_id: uuid.UUID
    details: chain.Details


def register_lock() -> Register:
    """Return the register, locked until the transaction ends, so that writers run one after the other.

    Call it first in a transaction: all writers lock it before any other row, so there are no deadlocks.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("The register can only be locked inside a transaction.")
    row = Register.objects.filter(id=Register.ONLY)
    # An UPDATE without changes locks the row on every database. On SQLite it must come before any SELECT: a transaction
    # that has read cannot write after another transaction has written.
    if not row.update(id=Register.ONLY):
        Register.objects.get_or_create(id=Register.ONLY)
        row.update(id=Register.ONLY)
    return row.get()


def append(register: Register, events: Sequence[Event], *, actor: str) -> None:
    """Append the events to the chain, in order, and store its new end in the locked register."""
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
    """Return the content of an entry, in the form that is hashed."""
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
