"""The protection status: one word from all findings, with the reason and the next step.

PROTECTED    Every scheduled configuration has a good backup as fresh as its schedule promises, or is not due yet. Every
             database and every file root has a verified good backup that is no older than the longest of these
             promises. There is no critical finding. Other findings are counted and shown with the status.
UNPROTECTED  A database or a file root has no verified good backup (on PostgreSQL: with a successful restore test of its
             schema), or no backup can be made, or no schedule keeps its promise.
AT_RISK      Everything in between.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from ..backups.presence import Presence
from ..errors import SettingsInvalid
from ..selectors import ConfigurationState, good_backups
from ..sources.errors import SourceRefused
from .coverage import never_verified
from .findings import Finding, Severity
from .freshness import late_since, period

_LOOKS_BACK: Final = timedelta(days=90)
_BAD_RUN: Final = "backup.W036"
_COMES_OF_IT: Final = frozenset({"backup.W014", _BAD_RUN, "backup.W038"})
_REHEARSED: Final = frozenset({"backup.W033", "backup.W034"})


class Protection(enum.StrEnum):
    """The protection status in one word."""

    PROTECTED = "PROTECTED"
    AT_RISK = "AT_RISK"
    UNPROTECTED = "UNPROTECTED"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The protection status, since when it holds according to the catalogue, the reason, and what to do.

    `warnings` counts the open findings of any severity, and `open` lists them: PROTECTED with warnings is not a plain
    yes. `since` is None if the catalogue does not know it: problems of a machine leave no trace there.
    """

    state: Protection
    since: datetime | None
    reason: str
    next_step: str
    open: tuple[str, ...] = ()

    @property
    def warnings(self) -> int:
        return len(self.open)

    def to_json(self) -> dict[str, object]:
        """Return the verdict for programs."""
        return {
            "state": self.state,
            "since": None if self.since is None else self.since.isoformat(),
            "reason": self.reason,
            "next_step": self.next_step,
            "warnings": self.warnings,
            "open": list(self.open),
        }


def judge(
    states: Sequence[ConfigurationState], findings: Sequence[Finding], *, present: Presence, now: datetime
) -> Verdict:
    """Judge all findings. The number of queries does not depend on the number of jobs."""
    verdict = _judged(states, findings, present=present, now=now)
    return dataclasses.replace(verdict, open=tuple(f"{one.subject}: {one.what}" for one in findings))


def _judged(
    states: Sequence[ConfigurationState], findings: Sequence[Finding], *, present: Presence, now: datetime
) -> Verdict:
    scheduled = [one for one in states if one.configuration.runs_by_schedule]
    late = {one.configuration.name: since for one in scheduled if (since := late_since(one, now=now))}
    critical = [one for one in findings if one.severity >= Severity.CRITICAL]
    absent = present.absent()
    try:
        missing = never_verified(absent, now=now)
    except (SourceRefused, SettingsInvalid) as refused:
        step = "Correct the settings. Until then, every such backup is refused."
        return Verdict(Protection.UNPROTECTED, None, str(refused), step)
    if missing:
        return Verdict(Protection.UNPROTECTED, None, *_never(missing, findings, present))
    if late:
        state = Protection.UNPROTECTED if len(late) == len(scheduled) else Protection.AT_RISK
        never = {one.configuration.name for one in scheduled if one.last_good is None}
        reason, step = _late(late, never, findings)
        return Verdict(state, min(late.values()), reason, step)
    if critical:
        first = critical[0]
        return Verdict(Protection.AT_RISK, None, f"{first.subject}: {first.what}", first.hint)
    if not_kept := _without_promise(scheduled, absent, now):
        return Verdict(Protection.AT_RISK, None, *not_kept)
    return Verdict(
        Protection.PROTECTED,
        _kept_since(scheduled, absent=absent, now=now),
        f"{_kept(scheduled)}, and databases and files are verified{_with(len(findings))}.",
        "",
    )


def _without_promise(scheduled: Sequence[ConfigurationState], absent: Q, now: datetime) -> tuple[str, str] | None:
    """Return reason and next step if no schedule guarantees fresh backups: one that is not due yet has kept nothing."""
    if not scheduled:
        reason = "No configuration runs by schedule: the existing backups get older, and no new ones follow."
        return reason, "Run `manage_backup_configs --install-production`, or `manage_backup_configs --enable NAME`."
    promises = [allowed for one in scheduled if (allowed := period(one.configuration)) is not None]
    if not promises or all(one.last_good is not None for one in scheduled):
        return None
    old = never_verified(absent, now=now, since=now - max(promises))
    if not old:
        return None
    reason = f"A schedule has made no backup yet, and the backups of {old} are older than any schedule promises."
    return reason, "Run `trigger_backup --type FULL`, or wait for the schedule."


def _with(count: int) -> str:
    """Say how many findings are open, as an addition to the reason; empty if none is."""
    return "" if not count else f"; {count} warning{'s are' if count > 1 else ' is'} open"


def _never(missing: str, findings: Sequence[Finding], present: Presence) -> tuple[str, str]:
    """Return reason and next step if a database or file root has no verified backup."""
    critical = [one for one in findings if one.severity >= Severity.CRITICAL]
    obstacle = next((one for one in critical if one.id in _REHEARSED), None)
    if obstacle is not None:
        return f"{obstacle.subject}: {obstacle.what}", obstacle.hint
    step = "Run `trigger_backup --type FULL`, which verifies the backup as soon as it is stored."
    run = _bad_run(findings)
    detail = f" {run.subject}: {run.what}" if run is not None else ""
    reason = f"There is no verified good backup of {missing}.{detail}{_away(present)}"
    return reason, _cause(critical) or (run.hint if run is not None else step)


def _bad_run(findings: Iterable[Finding], subject: str = "") -> Finding | None:
    """Return the finding of a run that made no good backup, of one configuration or of any."""
    return next((one for one in findings if one.id == _BAD_RUN and subject in {"", one.subject}), None)


def _away(present: Presence) -> str:
    """Name the backups that are missing or locked, as an addition to the reason."""
    first = next((one for one in present.missing if one.ours), None)
    if first is not None:
        return f" {first.reason} {first.backups} backups are missing there."
    return f" {next(iter(present.locked.values()))}" if present.locked else ""


def _kept(scheduled: Sequence[ConfigurationState]) -> str:
    """Describe the schedules if none is late."""
    begun = sum(one.last_good is not None for one in scheduled)
    if begun == len(scheduled):
        return "Every schedule has a good backup as fresh as it promises"
    others = f"{len(scheduled) - begun} of {len(scheduled)} are not due yet"
    return f"Every schedule that was due has a good backup as fresh as it promises ({others})"


def _late(late: Mapping[str, datetime], never: Container[str], findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the reason and the next step for late schedules."""
    critical = [one for one in findings if one.severity >= Severity.CRITICAL]
    first = min(late, key=lambda name: late[name])
    more = f", and {len(late) - 1} more are late" if len(late) > 1 else ""
    run = _bad_run(findings, first)
    detail = f" {run.what}" if run is not None else ""
    if first in never:
        yield f"{first} has no good backup, although its schedule promised one{more}.{detail}"
    else:
        yield f"The last good backup of {first} is older than its schedule promises{more}.{detail}"
    yield _cause(critical) or (run.hint if run is not None else f"Run `backup_jobs --config {first}` to see its jobs.")


def _cause(critical: Sequence[Finding]) -> str:
    """Return what to do about the cause of missing backups, such as a missing executor; empty if none is known."""
    # Late and bad backups are consequences, not causes.
    return next((one.hint for one in critical if one.id not in _COMES_OF_IT), "")


def _kept_since(scheduled: Sequence[ConfigurationState], *, absent: Q, now: datetime) -> datetime | None:
    """Return since when every schedule has kept its promise without a gap, within the last 90 days.

    For each schedule, that is the completion of the first backup of its unbroken series.
    """
    allowed = {one.configuration.pk: period(one.configuration) for one in scheduled}
    begun: dict[int, datetime] = {}
    before: dict[int, datetime] = {}
    for key, started, completed in good_backups(list(allowed), since=now - _LOOKS_BACK, now=now, absent=absent):
        limit, last = allowed[key], before.get(key)
        if last is None or (limit is not None and started - last > limit):
            begun[key] = completed
        before[key] = started
    return max(begun.values(), default=None)
