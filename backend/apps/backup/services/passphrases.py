"""The passphrase that a person has confirmed, kept as a salted slow hash."""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import datetime
from typing import Final

from django.db import transaction

from strongroom.passphrase import Passphrase

from ..acting import current_actor
from ..ledger import ledger_access, ledger_alias
from ..models import ConfirmedPassphrase
from .audit import AuditObject, audit_record
from .events import storable_text

_COST: Final = 1 << 15
_BLOCK: Final = 8
_MEMORY: Final = 64 << 20
"""Of scrypt: as slow as the keys of a repository, so that the ledger helps nobody to guess."""


def passphrase_confirm(passphrase: Passphrase, *, now: datetime) -> None:
    """Note that a person has confirmed the passphrase; one that was confirmed before counts no more."""
    salt = os.urandom(32)
    with ledger_access("confirming the passphrase"), transaction.atomic(using=ledger_alias()):
        rows = ConfirmedPassphrase.objects.using(ledger_alias())
        rows.all().delete()
        rows.create(
            salt=salt.hex(),
            digest=_digest(passphrase, salt),
            confirmed_at=now,
            confirmed_by=storable_text(current_actor().name)[:200],
        )
        audit_record("passphrase.confirm", AuditObject("passphrase", name=passphrase.source))


def passphrase_is_confirmed(passphrase: Passphrase) -> bool:
    """Whether a person has confirmed this very passphrase."""
    with ledger_access("looking for a confirmed passphrase"):
        row = ConfirmedPassphrase.objects.using(ledger_alias()).first()
    return row is not None and hmac.compare_digest(_digest(passphrase, bytes.fromhex(row.salt)), row.digest)


def _digest(passphrase: Passphrase, salt: bytes) -> str:
    text = passphrase.reveal().encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=_COST, r=_BLOCK, p=1, maxmem=_MEMORY, dklen=32).hex()
