"""Reads of the passphrase that a user has confirmed."""

from __future__ import annotations

import hmac

from strongroom.passphrase import Passphrase

from ..ledger import ledger_access, ledger_alias
from ..models import ConfirmedPassphrase
from ..storage.passphrase import slow_digest


def passphrase_is_confirmed(passphrase: Passphrase) -> bool:
    """Return whether a user has confirmed this passphrase."""
    with ledger_access("looking for a confirmed passphrase"):
        row = ConfirmedPassphrase.objects.using(ledger_alias()).first()
    return row is not None and hmac.compare_digest(slow_digest(passphrase, bytes.fromhex(row.salt)), row.digest)
