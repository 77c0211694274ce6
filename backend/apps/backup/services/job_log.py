"""The logs of jobs, to which lines are only ever added, and texts that a database column can hold."""

import re
import uuid
from datetime import datetime

from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, JobEvent

_NO_BYTES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that stand for no byte of a file's name; the JSON of a request may hold them."""


def job_event(job: uuid.UUID, text: str, *, now: datetime) -> None:
    """Add a line to the log of a job; do nothing if there is no such job."""
    with ledger_access("writing a job's log"):
        key = BackupJob.objects.using(ledger_alias()).filter(uuid=job).values_list("pk", flat=True).first()
        if key is not None:
            JobEvent.objects.using(ledger_alias()).create(job_id=key, at=now, text=storable_text(text))


def storable(value: object) -> object:
    """Return the value with every text in it made storable."""
    if isinstance(value, dict):
        return {storable_text(str(name)): storable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [storable(one) for one in value]
    return storable_text(value) if isinstance(value, str) else value


def storable_text(text: str) -> str:
    """Return the text with lone surrogates and NUL escaped, which a database column cannot hold."""
    whole = _NO_BYTES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return whole.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")
