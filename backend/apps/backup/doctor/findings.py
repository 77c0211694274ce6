"""What the doctor sees: one thing that is wrong, why it matters, what to do. The ids are those of the system checks."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from datetime import datetime

from .reasons import WHY


class Severity(enum.IntEnum):
    """In the order of Nagios, whose exit codes they are."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person's word that a finding is known: who, why, until when."""

    uuid: uuid.UUID
    who: str
    why: str
    until: datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """`what` is wrong with `subject`; `hint` says what to do. `id` is stable."""

    id: str
    severity: Severity
    subject: str
    what: str
    hint: str
    acknowledged: Acknowledged | None = None

    @property
    def why(self) -> str:
        """Why it matters."""
        return WHY[self.id]

    @property
    def is_warning(self) -> bool:
        """Whether a person may acknowledge it: for what is worse, backups fail or are missing."""
        return self.severity == Severity.WARNING

    def __str__(self) -> str:
        return f"{self.severity.name} {self.id} {self.subject}: {self.what} {self.hint}".rstrip()

    def to_json(self) -> dict[str, str]:
        """For programs."""
        return {
            "id": self.id,
            "severity": self.severity.name,
            "subject": self.subject,
            "what": self.what,
            "why": self.why,
            "hint": self.hint,
        }

    def key(self) -> tuple[str, str, str]:
        """By what it is recognised: one that says anything else is another one."""
        return self.id, self.subject, self.what


def warning(number: int, subject: str, what: str, hint: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding(f"backup.W{number:03}", Severity.WARNING, subject, what, hint)


def unknown(number: int, subject: str, what: str, hint: str) -> Finding:
    """A finding that something could not be looked at."""
    return Finding(f"backup.W{number:03}", Severity.UNKNOWN, subject, what, hint)


def critical(number: int, subject: str, what: str, hint: str) -> Finding:
    """A finding for which backups fail, or are missing."""
    return Finding(f"backup.W{number:03}", Severity.CRITICAL, subject, what, hint)
