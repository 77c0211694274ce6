"""Delete a configuration together with its backups."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable

from django.utils import timezone

from ..core.progress import Tracker
from ..errors import RequestRefused
from ..selectors.backups import jobs_with_backup
from ..services.configurations import DeletedConfiguration, configuration_delete, require_idle
from .apply import RetentionResult, remove_backups


@dataclasses.dataclass(frozen=True, slots=True)
class DeletedWithBackups:
    """The removal of the backups, and the deleted configuration; None where a backup is left, and so is this."""

    removal: RetentionResult
    configuration: DeletedConfiguration | None
    left: int

    @property
    def error(self) -> str:
        """Why the configuration is still there; "" if it is deleted."""
        if self.configuration is not None:
            return ""
        why = "; ".join(map(str, self.removal.postponed)) or "they were pinned meanwhile, or a restore needs them"
        return f"{self.left} backups were not removed, so the configuration stays: {why}. Try again."


def delete_with_backups(
    configuration: uuid.UUID, *, by: str, tracker: Tracker, tick: Callable[[], None]
) -> DeletedWithBackups:
    """Remove all backups of a configuration, then the configuration itself: an interrupted deletion can be repeated.

    Raises `RequestRefused` if a backup is pinned, `ConfigurationNotFound`, and `AlreadyRunning` while a job runs.
    """
    jobs = removable_backups(configuration)
    reason = f"deleted with its configuration by {by}"
    removal = remove_backups(dict.fromkeys(jobs, reason), now=timezone.now(), tracker=tracker, tick=tick)
    left = len(jobs) - len({job.uuid for job in removal.removed} & set(jobs))
    if left:
        return DeletedWithBackups(removal, None, left)
    return DeletedWithBackups(removal, configuration_delete(configuration, now=timezone.now()), 0)


def removable_backups(configuration: uuid.UUID) -> list[uuid.UUID]:
    """Return the jobs of a configuration that have a backup.

    Raises `RequestRefused` if a backup is pinned, and `AlreadyRunning` while a job runs.
    """
    require_idle(configuration)
    jobs = jobs_with_backup(configuration)
    pinned = [job.job_name for job in jobs if job.is_pinned]
    if pinned:
        raise RequestRefused(
            f"{len(pinned)} backups are pinned, such as {pinned[0]}. Unpin them, or delete the configuration without"
            " its backups. Nothing was changed."
        )
    return [job.uuid for job in jobs]
