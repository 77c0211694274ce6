"""The passphrase that a user has confirmed, kept as a salted slow hash."""

from __future__ import annotations

import os
from datetime import datetime

from django.db import transaction

from strongroom.passphrase import Passphrase

from ..ledger import ledger_access, ledger_alias
from ..models import ConfirmedPassphrase
from ..storage.passphrase import slow_digest
from .actor import current_actor
from .audit import AuditObject, audit_record
from .job_log import storable_text


def passphrase_confirm(passphrase: Passphrase, *, now: datetime) -> None:
    """Note that a user has confirmed the passphrase. An earlier confirmation does not count any more."""
    salt = os.urandom(32)
    with ledger_access("confirming the passphrase"), transaction.atomic(using=ledger_alias()):
        rows = ConfirmedPassphrase.objects.using(ledger_alias())
        rows.all().delete()
        rows.create(
            salt=salt.hex(),
            digest=slow_digest(passphrase, salt),
            confirmed_at=now,
            confirmed_by=storable_text(current_actor().name)[:200],
        )
        audit_record("passphrase.confirm", AuditObject("passphrase", name=passphrase.source))
