"""System checks: what would make a backup fail at night, or a schedule a lie, is said beforehand, with a hint.

The doctor's findings under Django's own command: `manage.py check --tag backup` shows what can be seen without a
connection, `--deploy` also asks the databases, the broker and the workers. `docs/reference/checks.md` lists the ids.

They are warnings: an error would keep the very commands from running that put things right.
"""

from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning, register
from django.utils import timezone

from .doctor import Finding, equipment_findings
from .doctor.equipment import settings_findings
from .doctor.health import executor_findings_now
from .errors import LedgerUnavailable


@register("backup")
def check_backup(app_configs: Sequence[AppConfig] | None = None, **_options: object) -> list[CheckMessage]:
    """Everything that can be seen without a database connection and without running the passphrase command."""
    if app_configs is not None and "backup" not in {config.label for config in app_configs}:
        return []
    return [_message(one) for one in settings_findings() or equipment_findings(deploy=False)]


@register("backup", deploy=True)
def check_backup_deployed(app_configs: Sequence[AppConfig] | None = None, **_options: object) -> list[CheckMessage]:
    """What takes a connection to see: servers, broker, workers, and where the storage lies."""
    if (app_configs is not None and "backup" not in {config.label for config in app_configs}) or settings_findings():
        return []
    seen = set(equipment_findings(deploy=False))
    found = [one for one in equipment_findings(deploy=True) if one not in seen]
    try:
        found += executor_findings_now(now=timezone.now())
    except LedgerUnavailable as error:
        return [*map(_message, found), Warning(str(error), hint="Run `manage.py migrate`.", id="backup.W023")]
    return [_message(one) for one in found]


def _message(finding: Finding) -> CheckMessage:
    return Warning(f"{finding.subject}: {finding.what}", hint=finding.hint, id=finding.id)
