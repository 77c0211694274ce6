"""The doctor: what is wrong, why it matters, what to do. It looks and changes nothing."""

from .disks import Space
from .equipment import settings_findings
from .findings import Finding, Severity
from .health import Health, equipment_findings, examine, executor_findings_now, forget_health, health
from .isolation import described, isolated
from .verdict import Protection, Verdict

__all__ = [
    "Finding",
    "Health",
    "Protection",
    "Severity",
    "Space",
    "Verdict",
    "described",
    "equipment_findings",
    "examine",
    "executor_findings_now",
    "forget_health",
    "health",
    "isolated",
    "settings_findings",
]
