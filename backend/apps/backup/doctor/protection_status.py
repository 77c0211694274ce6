"""Whether one is protected: one word from everything that was seen, with the reason and the next step.

PROTECTED    every configuration that runs by schedule has a good backup as fresh as its schedule promises, or is not
             due yet, of each database and of each file root there is a good backup that was read back and is no older
             than the longest of these promises, and nothing critical is found; other findings are counted, and are no
             plain yes
UNPROTECTED  of a database or a file root there is no good backup that was read back and, on PostgreSQL, whose schema
             was restored in a rehearsal; or none can be made, or none of the schedules keeps its promise
AT_RISK      everything in between
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
from ..sources import SourceRefused
from .coverage import never_verified
from .findings import Finding, Severity
from .freshness import late_since, period

_LOOKS_BACK: Final = timedelta(days=90)
_BAD_RUN: Final = "backup.W036"
_COMES_OF_IT: Final = frozenset({"backup.W014", _BAD_RUN, "backup.W038"})
_REHEARSED: Final = frozenset({"backup.W033", "backup.W034"})


class Protection(enum.StrEnum):
    """The word."""

    PROTECTED = "PROTECTED"
    AT_RISK = "AT_RISK"
    UNPROTECTED = "UNPROTECTED"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The word, since when it holds as far as the ledger tells, the reason, and what to do.

    `warnings` says how many findings are open, of any severity, and `open` what they are: PROTECTED with warnings is
    no plain yes. `since` is None where the ledger does not tell: what is wrong with a machine leaves no trace in it.
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
        """For programs."""
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
    """The verdict on everything that was seen; the same number of queries however many jobs there are."""
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
        step = "Correct the settings: until then every backup of it is refused."
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
        f"{_kept(scheduled)}, and databases and files were read back{_with(len(findings))}.",
        "",
    )


def _without_promise(scheduled: Sequence[ConfigurationState], absent: Q, now: datetime) -> tuple[str, str] | None:
    """Reason and next step where no schedule stands for what there is: one that is not due yet has kept nothing."""
    if not scheduled:
        reason = "No configuration runs by schedule: the backups that there are get older."
        return reason, "Run `manage_backup_configs --install-production`, or --enable one."
    promises = [allowed for one in scheduled if (allowed := period(one.configuration)) is not None]
    if not promises or all(one.last_good is not None for one in scheduled):
        return None
    old = never_verified(absent, now=now, since=now - max(promises))
    if not old:
        return None
    reason = f"A schedule has made no backup yet, and those of {old} are older than any schedule promises."
    return reason, "Run `trigger_backup --type FULL`, or wait for the schedule."


def _with(count: int) -> str:
    """How many findings are open, as an addition to the reason; empty if none is."""
    return "" if not count else f"; {count} warning{'s are' if count > 1 else ' is'} open"


def _never(missing: str, findings: Sequence[Finding], present: Presence) -> tuple[str, str]:
    """Reason and next step where something has no verified backup."""
    critical = [one for one in findings if one.severity >= Severity.CRITICAL]
    obstacle = next((one for one in critical if one.id in _REHEARSED), None)
    if obstacle is not None:
        return f"{obstacle.subject}: {obstacle.what}", obstacle.hint
    step = "Run `trigger_backup --type FULL`: it is read back as soon as it is stored."
    run = _bad_run(findings)
    said = f" {run.subject}: {run.what}" if run is not None else ""
    reason = f"There is no good backup of {missing} that was read back.{said}{_away(present)}"
    return reason, _cause(critical) or (run.hint if run is not None else step)


def _bad_run(findings: Iterable[Finding], subject: str = "") -> Finding | None:
    """The run that made no good backup, of one configuration or of any."""
    return next((one for one in findings if one.id == _BAD_RUN and subject in {"", one.subject}), None)


def _away(present: Presence) -> str:
    """Which backups cannot be used where all would be well if they could, as an addition to the reason."""
    first = next((one for one in present.missing if one.ours), None)
    if first is not None:
        return f" {first.reason} {first.backups} backups are missing there."
    return f" {next(iter(present.locked.values()))}" if present.locked else ""


def _kept(scheduled: Sequence[ConfigurationState]) -> str:
    """What can be said of all schedules where none is late."""
    begun = sum(one.last_good is not None for one in scheduled)
    if begun == len(scheduled):
        return "Every schedule has a good backup as fresh as it promises"
    others = f"{len(scheduled) - begun} of {len(scheduled)} are not due yet"
    return f"Every schedule that was due has a good backup as fresh as it promises ({others})"


def _late(late: Mapping[str, datetime], never: Container[str], findings: Sequence[Finding]) -> Iterator[str]:
    """Reason and next step."""
    critical = [one for one in findings if one.severity >= Severity.CRITICAL]
    first = min(late, key=lambda name: late[name])
    more = f", and {len(late) - 1} more are late" if len(late) > 1 else ""
    run = _bad_run(findings, first)
    said = f" {run.what}" if run is not None else ""
    if first in never:
        yield f"{first} has no good backup, which its schedule has promised{more}.{said}"
    else:
        yield f"The last good backup of {first} is older than its schedule promises{more}.{said}"
    yield _cause(critical) or (run.hint if run is not None else f"Look at `backup_jobs --config {first}`.")


def _cause(critical: Sequence[Finding]) -> str:
    """What to do about what keeps backups from being made, such as that nobody runs them; empty if nothing is known."""
    # That backups are late or bad is what comes of it.
    return next((one.hint for one in critical if one.id not in _COMES_OF_IT), "")


def _kept_since(scheduled: Sequence[ConfigurationState], *, absent: Q, now: datetime) -> datetime | None:
    """From when on every schedule has kept its promise without a gap; looked for in the last 90 days.

    For each one that is when the first backup of its unbroken row was completed.
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
