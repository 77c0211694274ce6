"""The doctor: what is wrong, why it matters, what to do. It looks and changes nothing."""

from .equipment import settings_findings
from .findings import Finding, Severity
from .health import Health, equipment_findings, examine, executor_findings_now

__all__ = [
    "Finding",
    "Health",
    "Severity",
    "equipment_findings",
    "examine",
    "executor_findings_now",
    "settings_findings",
]
