"""Django system checks: report before the night what would make backups or schedules fail, with a hint.

They show the doctor's findings in Django's own command. `manage.py check --tag backup` runs the checks that need no
connection; `--deploy` also asks the databases, the broker and the workers. `docs/reference/checks.md` lists the ids.

They are warnings: an error would block the commands that solve the problem. An interrupted restore is an error, because
`migrate` and `runserver` must not run with a database of one day and files of another. The doctor is imported only when
a check runs, because every command of the project loads this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils import timezone

from ..errors import BackupError, LedgerUnavailable

if TYPE_CHECKING:
    from .findings import Finding


@register("backup")
def check_backup(app_configs: Sequence[AppConfig] | None = None, **_options: object) -> list[CheckMessage]:
    """Run the checks that need no database connection and do not run the passphrase command."""
    from .environment import settings_findings  # noqa: PLC0415  see above
    from .health import equipment_findings  # noqa: PLC0415  see above

    if app_configs is not None and "backup" not in {config.label for config in app_configs}:
        return []
    return [_message(one) for one in settings_findings() or list(equipment_findings(deploy=False))]


@register("backup", "interrupted_restore")
def check_interrupted_swap(**_options: object) -> list[CheckMessage]:
    """Complete a restore that was killed during its swap, or say why that is not possible.

    The check has a tag of its own, for commands of other applications that run no other check.
    """
    from ..restores import mixed_restores, recover_restores  # noqa: PLC0415  see above

    try:
        between = mixed_restores()
    except BackupError:
        # Settings or a journal cannot be read: the doctor reports it.
        return []
    try:
        done = recover_restores() if between else []
    except BackupError as error:
        hint = "Correct what the error names, and run `manage.py restore_backup --list`, which completes the restore."
        return [Error(f"A restore was interrupted during its swap. {error}", hint=hint, id="backup.W005")]
    return [Warning(line, id="backup.W005") for line in done]


@register("backup", deploy=True)
def check_backup_deployed(app_configs: Sequence[AppConfig] | None = None, **_options: object) -> list[CheckMessage]:
    """Run the checks that need a connection: servers, broker and workers; and the placement of the storage."""
    from .environment import settings_findings  # noqa: PLC0415  see above
    from .health import equipment_findings, executor_findings_now  # noqa: PLC0415  see above
    from .isolation import isolated  # noqa: PLC0415  see above

    if (app_configs is not None and "backup" not in {config.label for config in app_configs}) or settings_findings():
        return []
    seen = set(equipment_findings(deploy=False))
    found = [one for one in equipment_findings(deploy=True) if one not in seen]
    try:
        found += isolated("executors", lambda: executor_findings_now(now=timezone.now()))
    except LedgerUnavailable as error:
        return [*map(_message, found), Warning(str(error), hint="Run `manage.py migrate`.", id="backup.W023")]
    return [_message(one) for one in found]


def _message(finding: Finding) -> CheckMessage:
    return Warning(f"{finding.subject}: {finding.what}", hint=finding.hint, id=finding.id)
