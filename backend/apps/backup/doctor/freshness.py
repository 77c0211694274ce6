"""Check that backups exist as the schedules promise, according to the job rows in the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from ..core.timezones import minute_in_utc
from ..models import BackupConfiguration, BackupJob, Executor, ExecutorKind, JobStatus, PruneRun, PruneStatus
from ..policies.schedule import PERIODS
from ..retention.plan import Verdict
from ..selectors import FAILURES, ConfigurationState, Latest
from .findings import Finding, critical, warning

_WATCHERS = (ExecutorKind.AGENT, ExecutorKind.CRON)
_GRACE = timedelta(minutes=30)
_STUCK = timedelta(minutes=15)
_LONG_PRUNE = timedelta(days=1)


def period(configuration: BackupConfiguration) -> timedelta | None:
    """Return the longest time between two backups that the schedule allows; None for a configuration on demand."""
    found = PERIODS.get(configuration.frequency)
    return None if found is None else found + max(found / 10, _GRACE)


def freshness_findings(
    states: Sequence[ConfigurationState], latest: Mapping[int, Latest], *, since: datetime, now: datetime
) -> Iterator[Finding]:
    """W013: scheduled runs were missed. W014: the last good backup is too old. W020: jobs after `since` failed.

    A latest run that failed is W036, and is not counted again.
    """
    scheduled = [one for one in states if one.configuration.runs_by_schedule]
    if not scheduled:
        yield warning(
            14,
            "schedules",
            "No configuration runs by schedule: there are no automatic backups.",
            "Run `manage_backup_configs --install-production`, or `manage_backup_configs --enable NAME`.",
        )
    for one in scheduled:
        yield from _age(one, now)
        name = one.configuration.name
        if one.last_missed is not None:
            # The text names the latest one: the next missed run makes a new finding, even after an acknowledgement.
            yield warning(
                13,
                name,
                f"Scheduled runs were missed in the last days, the latest of {minute_in_utc(one.last_missed)}.",
                f"Run `backup_jobs --status MISSED` ({one.missed} lately). The agent, Beat or the worker was not"
                " running, or was busy.",
            )
        earlier = one.failed - _failed_last(latest[one.configuration.pk].run, since)
        if earlier > 0 and one.last_failed is not None:
            yield warning(
                20,
                name,
                f"Jobs failed in the last days, the latest on {minute_in_utc(one.last_failed)}.",
                f"Run `backup_jobs --config {name} --status FAILED` ({one.failed} lately) to see them.",
            )


def _failed_last(run: BackupJob | None, since: datetime) -> int:
    """Return 1 if the latest run is among the failed jobs that are counted, else 0."""
    return int(run is not None and run.status in FAILURES and run.queued_at >= since)


def fresh_until(one: ConfigurationState) -> datetime | None:
    """Return until when the last good backup is fresh enough for its schedule; None without a schedule.

    A schedule without a good backup has one period from its start. A later start, as after a change of the schedule,
    does not make an old backup fresh.
    """
    allowed = period(one.configuration)
    since = one.last_good or one.configuration.schedule_start
    return None if allowed is None or since is None else since + allowed


def late_since(one: ConfigurationState, *, now: datetime) -> datetime | None:
    """Return since when the last good backup is older than its schedule promises; None if it is not, or on demand."""
    allowed, until = period(one.configuration), fresh_until(one)
    if allowed is None or until is None or now <= until:
        return None
    if one.running and now - until <= allowed:
        # The next backup is running, and may take long.
        return None
    return until


def _age(one: ConfigurationState, now: datetime) -> Iterator[Finding]:
    late, allowed = late_since(one, now=now), period(one.configuration)
    if late is None or allowed is None:
        return
    what = (
        f"Its last good backup is {hours(now, one.last_good):.0f} hours old."
        if one.last_good
        else "It has never made a good backup."
    )
    hint = f"Check `backup_jobs --config {one.configuration.name}`, and run `trigger_backup --config"
    make = critical if now - late > allowed else warning
    yield make(14, one.configuration.name, what, f"{hint} {one.configuration.name}`.")


def executor_findings(executor: str, alive: Sequence[Executor], *, scheduled: bool) -> Iterator[Finding]:
    """W012: no executor is alive to run due jobs. Without an enabled schedule this is only a warning."""
    if executor != "celery" and not any(one.kind in _WATCHERS for one in alive):
        make = critical if scheduled else warning
        yield make(
            12,
            "executor",
            "No agent has sent a heartbeat for 90 seconds: due jobs do not run.",
            "Start `manage.py backup_agent`, or run `manage.py backup_run_due` from cron every few minutes.",
        )


def stuck_findings(jobs: Sequence[BackupJob], *, now: datetime) -> Iterator[Finding]:
    """W015: a job waits for too long while no other job runs, or a running job has lost its lease."""
    working = any(job.lease_expires_at is not None and job.lease_expires_at >= now for job in jobs)
    for job in jobs:
        if job.status == JobStatus.PENDING:
            since = max(moment for moment in (job.queued_at, job.not_before) if moment is not None)
            if now - since > _STUCK and not working:
                yield warning(
                    15,
                    job.job_name,
                    f"It has waited since {minute_in_utc(since)}.",
                    "Start an executor, or cancel the job with `backup_jobs --cancel`.",
                )
        elif job.lease_expires_at is not None and job.lease_expires_at < now:
            yield critical(
                15,
                job.job_name,
                "It is RUNNING, but its lease expired: it has sent no heartbeat for too long.",
                "The next command that runs jobs ends this one.",
            )


def retention_findings(
    verdicts: Sequence[Verdict], unfinished: int, states: Sequence[ConfigurationState], *, since: datetime
) -> Iterator[Finding]:
    """W016: backups that retention should have removed before `since` are still stored.

    Retention runs after a backup. If no backup was made since then, other findings say so. Backups of a configuration
    that was changed since then are not counted either.
    """
    made = any(one.last_good is not None and one.last_good > since for one in states)
    changed = {one.configuration.name for one in states if one.configuration.updated_at > since}
    overdue = [one for one in verdicts if made and not one.keep and one.configuration not in changed]
    if overdue or unfinished:
        yield warning(
            16,
            "retention",
            "Backups are still stored although retention should have removed them.",
            f"There are {len(overdue) + unfinished}. `backup_prune --dry-run` shows them, `backup_prune` removes them.",
        )


def prune_findings(latest: Sequence[PruneRun], *, now: datetime) -> Iterator[Finding]:
    """W022: the latest prune of a repository failed, or does not finish."""
    for run in latest:
        if run.status == PruneStatus.RUNNING and now - run.started_at > _LONG_PRUNE:
            yield warning(
                22,
                run.repository,
                f"Its prune started at {minute_in_utc(run.started_at)} and has not reported its end.",
                "If the process was killed, run `backup_prune`, which continues the prune.",
            )
        if run.status == PruneStatus.FAILED:
            yield warning(22, run.repository, f"Its latest prune failed: {run.error_message}", "Run `backup_prune`.")


def hours(now: datetime, then: datetime | None) -> float | None:
    """Return the hours since then, rounded to a tenth."""
    return None if then is None else round((now - then).total_seconds() / 3600, 1)
