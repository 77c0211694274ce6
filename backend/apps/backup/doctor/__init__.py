"""The doctor: what is wrong, why it matters, what to do. It looks and changes nothing."""

from .findings import Finding, Severity
from .health import Health, equipment_findings, examine

__all__ = ["Finding", "Health", "Severity", "equipment_findings", "examine"]
