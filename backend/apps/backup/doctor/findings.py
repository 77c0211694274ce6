"""A finding of the doctor: one problem, why it matters, and what to do. The ids are those of the system checks."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from datetime import datetime

from .reasons import WHY


class Severity(enum.IntEnum):
    """How bad a finding is. The values are the exit codes of a Nagios plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Acknowledged:
    """The acknowledgement of a finding by a user: who, why, until when."""

    uuid: uuid.UUID
    who: str
    why: str
    until: datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One problem: `what` is wrong with `subject`, and `hint` says what to do. `id` is stable."""

    id: str
    severity: Severity
    subject: str
    what: str
    hint: str
    acknowledged: Acknowledged | None = None

    @property
    def why(self) -> str:
        """Say why it matters."""
        return WHY[self.id]

    @property
    def is_warning(self) -> bool:
        """Whether a user may acknowledge it. With worse findings, backups fail or are missing."""
        return self.severity == Severity.WARNING

    def __str__(self) -> str:
        return f"{self.severity.name} {self.id} {self.subject}: {self.what} {self.hint}".rstrip()

    def to_json(self) -> dict[str, str]:
        """Return the finding for programs."""
        return {
            "id": self.id,
            "severity": self.severity.name,
            "subject": self.subject,
            "what": self.what,
            "why": self.why,
            "hint": self.hint,
        }

    def key(self) -> tuple[str, str, str]:
        """Return the identity of the finding for acknowledgements: another text makes another finding."""
        return self.id, self.subject, self.what


def warning(number: int, subject: str, what: str, hint: str) -> Finding:
    """Return a finding that needs attention."""
    return Finding(f"backup.W{number:03}", Severity.WARNING, subject, what, hint)


def unknown(number: int, subject: str, what: str, hint: str) -> Finding:
    """Return a finding that a check could not run."""
    return Finding(f"backup.W{number:03}", Severity.UNKNOWN, subject, what, hint)


def critical(number: int, subject: str, what: str, hint: str) -> Finding:
    """Return a finding that makes backups fail or go missing."""
    return Finding(f"backup.W{number:03}", Severity.CRITICAL, subject, what, hint)
