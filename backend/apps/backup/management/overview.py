"""The overview of `manage.py backup`: are we protected, what runs, what ran, what comes, and what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from .. import selectors
from ..core.paths import one_line
from ..core.progress import Progress
from ..core.timezones import in_utc
from ..doctor.findings import Finding
from ..doctor.health import Health
from ..doctor.protection_status import Protection
from ..models import BackupJob, JobStatus
from .job_views import as_json as job_as_json
from .terminal import STYLES, age, describe, moment, size

_JOBS_SHOWN = 5
_RUNS_SHOWN = 5
_INDENT = (0, 0, 0, 2)
_COLORS: Mapping[str, str] = {
    Protection.PROTECTED: "bold green",
    Protection.AT_RISK: "bold yellow",
    Protection.UNPROTECTED: "bold red",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """One look at the system. `running` and `ended` are the newest jobs of that kind."""

    health: Health
    running: list[BackupJob]
    ended: list[BackupJob]
    at: datetime

    @property
    def next_runs(self) -> list[tuple[datetime, str]]:
        """The next scheduled runs, soonest first."""
        runs = [(one.next_slot, one.name) for one in self.health.configurations if one.next_slot is not None]
        return sorted(runs)[:_RUNS_SHOWN]


def look(health: Health, *, now: datetime) -> Overview:
    """Read the jobs from the catalogue, with two queries. Raises `LedgerUnavailable`."""
    ended = [status for status in JobStatus.values if status not in {JobStatus.PENDING, JobStatus.RUNNING}]
    return Overview(
        health,
        running=selectors.jobs_recent(limit=_JOBS_SHOWN, statuses=(JobStatus.RUNNING, JobStatus.PENDING)),
        ended=selectors.jobs_recent(limit=_JOBS_SHOWN, statuses=ended),
        at=now,
    )


def as_json(seen: Overview) -> dict[str, object]:
    """Return the overview for programs; times in UTC."""
    return {
        "at": seen.at.isoformat(),
        "verdict": seen.health.verdict.to_json(),
        "findings": [one.to_json() for one in seen.health.findings],
        "running": [job_as_json(job) for job in seen.running],
        "next_runs": [{"at": slot.isoformat(), "configuration": name} for slot, name in seen.next_runs],
        "last_runs": [job_as_json(job) for job in seen.ended],
        "executors": list(seen.health.executors),
    }


def lines(seen: Overview) -> Iterator[tuple[str, str, str]]:
    """Yield the lines: the title of the section or nothing, the text, and its style."""
    verdict = seen.health.verdict
    since = f" since {moment(verdict.since)}" if verdict.since else ""
    yield "Protection", f"{verdict.state}{since}", _COLORS.get(verdict.state, "")
    yield "", verdict.reason, ""
    if verdict.next_step:
        yield "", f"Next step: {verdict.next_step}", ""
    yield from _section("Running", [(_running(job), "cyan") for job in seen.running])
    yield from _section(
        "Next runs", [(f"{moment(slot)} ({_until(slot, seen.at)})  {name}", "") for slot, name in seen.next_runs]
    )
    yield from _section(
        "Last runs", [(_ended(job, seen.at), STYLES.get(job.status, "")) for job in seen.ended], none="no job has ended"
    )
    yield from _section(
        "Findings", [(_finding(one), STYLES.get(one.severity.name, "")) for one in seen.health.findings]
    )


def rendered(seen: Overview) -> Group:
    """Return the overview for a terminal; long lines are wrapped below their title."""
    parts: list[Text | Padding] = []
    for title, text, style in lines(seen):
        if title:
            parts.append(Text(f"\n{title}" if parts else title, style="bold"))
        parts.append(Padding(Text(one_line(text), style=style, overflow="fold"), _INDENT))
    return Group(*parts)


def _section(title: str, rows: list[tuple[str, str]], *, none: str = "none") -> Iterator[tuple[str, str, str]]:
    for text, style in rows or [(none, "dim")]:
        yield title, text, style
        title = ""


def _running(job: BackupJob) -> str:
    if job.status == JobStatus.PENDING:
        return f"{job.job_name}  waiting since {moment(job.queued_at)}"
    doing = f"{job.progress.get('phase', '')} {describe(Progress(**job.progress))}" if job.progress else ""
    return f"{job.job_name}  {doing.strip() or 'starting'}"


def _ended(job: BackupJob, now: datetime) -> str:
    at = job.completed_at or job.queued_at
    hours = (in_utc(now) - in_utc(at)).total_seconds() / 3600
    stored = f"  {size(job.backup_size)}" if job.backup_size else ""
    reason = f"  {job.error_message}" if job.error_message else ""
    return f"{job.status:<10} {job.job_name}  {moment(at)} ({age(hours)}){stored}{reason}"


def _until(slot: datetime, now: datetime) -> str:
    left = in_utc(slot) - in_utc(now)
    if left <= timedelta():
        return "due"
    minutes = round(left.total_seconds() / 60)
    return (
        f"in {minutes} min" if minutes < 60 else f"in {minutes / 60:.0f} h" if minutes < 2880 else f"in {left.days} d"
    )


def _finding(one: Finding) -> str:
    return f"{one.severity.name} {one.id} {one.subject}: {one.what} {one.hint}".rstrip()
