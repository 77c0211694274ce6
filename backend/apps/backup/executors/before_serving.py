"""Recovery before the first request: a restore that was killed in its swap is completed before the system serves.

Until it is completed, the database and the files are of different days. An agent or worker completes it within seconds.
Without them the next request, `migrate` and `runserver` complete it; if that fails, they refuse to go on.
"""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings
from django.core.signals import request_started

from ..errors import SettingsInvalid

_logger: Final = logging.getLogger(__name__)


class _RecoveryGuard:
    """The check before each request. It remembers the state of the folders of journals without an unfinished swap."""

    def __init__(self) -> None:
        self._settled: tuple[object, ...] | None = None

    def complete(self, **_signal: object) -> None:
        """Complete a restore that was killed in its swap. Raises the backup system's errors if that fails.

        While nothing changes in the folders of journals, this takes one `stat` of each.
        """
        # Every command of the project loads this module, and few of them serve requests.
        from ..restores import RestoreRefused, journal_folders, mixed_restores, recover_restores  # noqa: PLC0415

        try:
            folders = journal_folders()
            if not folders:
                return
            seen = (settings.BACKUP_STORAGE_ROOT, *(folder.stat().st_mtime_ns for folder in folders))
            if seen == self._settled:
                return
            between = mixed_restores()
        except (SettingsInvalid, FileNotFoundError, PermissionError, RestoreRefused):
            # Without settings, journals, or the permission to read them nothing can be done here; the checks report it.
            return
        if not between:
            self._settled = seen
            return
        for line in recover_restores():
            _logger.warning("%s", line)


_guard = _RecoveryGuard()


def complete_before_serving() -> None:
    """Check before each request from now on."""
    request_started.connect(_guard.complete, dispatch_uid="backup.complete_before_serving")
