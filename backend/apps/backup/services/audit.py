"""The audit trail: the actor, action, object, address and time of each change. Events are only ever added.

Each event holds the hash of the event before it, and its own: SHA-256 over that hash and all other values, as JSON with
sorted keys. A row that was changed, removed or inserted breaks the chain at its place. Removed events at the end are
found by the row of the end (`AuditChain`). A user who can write to the database could make the whole chain again: the
hash of its end, kept elsewhere, shows that (`backup_audit --verify --expect`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from ..ledger import ledger_access, ledger_alias
from ..models import AuditChain, AuditEvent
from .actor import current_actor
from .job_log import storable_text

_MOST_FINDINGS = 20
_CHUNK = 2000
_DEEPEST = 5


@dataclasses.dataclass(frozen=True, slots=True)
class AuditObject:
    """The object of an action: its kind, its key, and its name at that time."""

    type: str
    key: str = ""
    name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of a verification: the number of events, the hash of the last one, and the places of breaks."""

    events: int
    last_sequence: int
    last_hash: str
    findings: tuple[str, ...]


def audit_record(action: str, target: AuditObject, *, details: Mapping[str, object] | None = None) -> None:
    """Add an event of the current actor.

    Call it last in the transaction of the change: so both are written or neither, and writers wait for each other at
    this place only.
    """
    actor = current_actor()
    with ledger_access("writing the audit trail"), transaction.atomic(using=ledger_alias()):
        chain = _locked_chain()
        event = AuditEvent(
            sequence=chain.last_sequence + 1,
            at=timezone.now(),
            actor=_cut(actor.name, 200),
            actor_key=_cut(actor.key, 64),
            origin=actor.origin,
            address=_cut(actor.address, 64),
            request_id=_cut(actor.request_id, 64),
            action=action,
            object_type=target.type,
            object_key=_cut(target.key, 100),
            object_name=_cut(target.name, 300),
            details=_storable_details(details or {}, _DEEPEST),
            previous_hash=chain.last_hash,
        )
        event.hash = _hash(event)
        event.save(force_insert=True, using=ledger_alias())
        chain.last_sequence, chain.last_hash = event.sequence, event.hash
        chain.save(using=ledger_alias())


def audit_verify(*, expect: str = "") -> AuditReport:
    """Verify the whole chain, in constant memory. `expect` is a hash that must be in it."""
    findings: list[str] = []
    previous_hash, sequence, events, seen = "", 0, 0, not expect
    with ledger_access("verifying the audit trail"), transaction.atomic(using=ledger_alias()):
        # Locked, so that no event is added meanwhile.
        chain = _locked_chain()
        for event in _events():
            events += 1
            for finding in _findings(event, sequence, previous_hash):
                if len(findings) < _MOST_FINDINGS:
                    findings.append(finding)
            sequence, previous_hash = event.sequence, event.hash
            seen = seen or event.hash == expect
    if (chain.last_sequence, chain.last_hash) != (sequence, previous_hash):
        findings.append(
            f"The trail ends with event {sequence}, but the last event that was written is {chain.last_sequence}:"
            " events at the end were removed or inserted."
        )
    if not seen:
        findings.append(f"No event has the hash {expect}: this is another trail, or its end was removed.")
    return AuditReport(events, sequence, previous_hash, tuple(findings))


def _locked_chain() -> AuditChain:
    rows = AuditChain.objects.using(ledger_alias()).filter(pk=AuditChain.ONLY)
    # An UPDATE that changes nothing locks the row on every database. On SQLite it must come before any SELECT.
    if not rows.update(id=AuditChain.ONLY):
        AuditChain.objects.using(ledger_alias()).get_or_create(id=AuditChain.ONLY)
        rows.update(id=AuditChain.ONLY)
    # On MariaDB a plain SELECT would return the row as it was at the start of the transaction.
    return rows.select_for_update().get()


def _events() -> Iterator[AuditEvent]:
    return AuditEvent.objects.using(ledger_alias()).order_by("sequence").iterator(chunk_size=_CHUNK)


def _findings(event: AuditEvent, sequence: int, previous_hash: str) -> Iterator[str]:
    if event.sequence != sequence + 1:
        yield f"Event {event.sequence} follows event {sequence}: the events between them are missing."
    elif event.previous_hash != previous_hash:
        yield f"Event {event.sequence} does not continue the event before it."
    if _hash(event) != event.hash:
        yield f"Event {event.sequence} ({event.action} by {event.actor}) was changed after it was written."


def _hash(event: AuditEvent) -> str:
    content = {
        "sequence": event.sequence,
        "at": _timestamp_text(event.at),
        "actor": event.actor,
        "actor_key": event.actor_key,
        "origin": event.origin,
        "address": event.address,
        "request_id": event.request_id,
        "action": event.action,
        "object_type": event.object_type,
        "object_key": event.object_key,
        "object_name": event.object_name,
        "details": event.details,
        "previous_hash": event.previous_hash,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _timestamp_text(value: datetime) -> str:
    """Return the timestamp with microseconds in UTC; a naive one as it is stored."""
    return (value.astimezone(UTC) if value.tzinfo else value).isoformat(timespec="microseconds")


def _storable_details(value: object, depth: int) -> object:
    """Reduce a value to types that every database returns unchanged: texts, integers, booleans, lists, dictionaries."""
    if value is None or isinstance(value, bool | int):
        return value
    if depth and isinstance(value, Mapping):
        return {storable_text(str(name)): _storable_details(inner, depth - 1) for name, inner in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_storable_details(inner, depth - 1) for inner in value]
    return storable_text(value.isoformat() if isinstance(value, datetime) else str(value))


def _cut(text: str, length: int) -> str:
    return storable_text(text)[:length]
