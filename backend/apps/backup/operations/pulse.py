"""The heartbeat of an operation: its lease, its progress and its cancellation."""

from django.utils import timezone

from ..core.progress import Progress
from ..services.operation_runs import OperationClaim, operation_cancel_reason, operation_heartbeat, operation_progress


class OperationPulse:
    """The pulse of an operation: its phase is part of its progress."""

    def __init__(self, claim: OperationClaim) -> None:
        self._claim = claim
        self.name = str(claim.operation)

    def cancel_reason(self) -> str | None:
        return operation_cancel_reason(self._claim)

    def beat(self, progress: Progress | None) -> None:
        if progress is None:
            operation_heartbeat(self._claim, now=timezone.now())
        else:
            operation_progress(self._claim, progress.to_json(), now=timezone.now())

    def enter(self, phase: str) -> None:  # noqa: ARG002  the progress holds the phase
        return
