"""Reads of the audit trail."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from ..ledger import ledger_alias
from ..models import AuditEvent


def audit_matching(
    *,
    action: str = "",
    actor: str = "",
    object_key: str = "",
    after: datetime | None = None,
    before: datetime | None = None,
) -> QuerySet[AuditEvent]:
    """Return the events with an action, an actor and an object, from `after` until before `before`.

    An action that ends in a dot, such as "backup.", matches all actions that begin with it.
    """
    rows = AuditEvent.objects.using(ledger_alias()).all()
    if action:
        rows = rows.filter(action__startswith=action) if action.endswith(".") else rows.filter(action=action)
    if actor:
        rows = rows.filter(actor=actor)
    if object_key:
        rows = rows.filter(object_key=object_key)
    if after is not None:
        rows = rows.filter(at__gte=after)
    return rows if before is None else rows.filter(at__lt=before)
