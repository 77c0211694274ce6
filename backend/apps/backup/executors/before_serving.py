"""Before a server serves: a system that a kill has left between two states is completed first.

A restore that is killed in the middle of its swap leaves a database of one day and files of another until it is
completed. An agent or worker does that within seconds; where there is neither, the next request, `migrate` and
`runserver` do it, and refuse to go on where they cannot.
"""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings
from django.core.signals import request_started

from ..errors import SettingsInvalid

_logger: Final = logging.getLogger(__name__)


class _Watch:
    """The folders of journals as they were when nothing in them was left half done."""

    def __init__(self) -> None:
        self._settled: tuple[object, ...] | None = None

    def complete(self, **_signal: object) -> None:
        """Complete what was cut off in the middle. Raises the backup system's errors where that cannot be done.

        One look at the times of the folders, as long as nothing has changed in them.
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
            # Without settings, journals, or the right to read them there is nothing to go by; the checks tell of them.
            return
        if not between:
            self._settled = seen
            return
        for line in recover_restores():
            _logger.warning("%s", line)


_watch = _Watch()


def complete_before_serving() -> None:
    """Look before each request from now on."""
    request_started.connect(_watch.complete, dispatch_uid="backup.complete_before_serving")
