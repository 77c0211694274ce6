"""Check the latest run of each schedule, and whether the next one fits on its disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ..core.timezones import minute_in_utc
from ..errors import StorageRefused
from ..models import BackupConfiguration, BackupJob, JobStatus
from ..selectors import FAILURES, STORED_STATUSES, Latest
from ..storage.locations import choose_place
from .disks import nearest_existing
from .findings import Finding, critical, warning

_MOST_NAMED: Final = 3
_MIB: Final = 1 << 20
_GIB: Final = 1 << 30
_SOON: Final = timedelta(days=1)


def run_findings(
    scheduled: Sequence[BackupConfiguration], latest: Mapping[int, Latest], newest: Latest, *, now: datetime
) -> Iterator[Finding]:
    """W036: the latest run of a schedule, or the newest job of all, failed or is INCOMPLETE.

    The finding is critical if there is no other good backup.
    """
    seen = set()
    for row in scheduled:
        last = latest[row.pk]
        if last.run is not None:
            seen.add(last.run.pk)
            yield from _bad(row.name, last.run, warning if last.good else critical, now)
    if newest.run is not None and newest.run.pk not in seen:
        yield from _bad(newest.run.job_name, newest.run, warning if newest.good else critical, now)


def _bad(subject: str, run: BackupJob, make: Callable[..., Finding], now: datetime) -> Iterator[Finding]:
    short = str(run.uuid)[:8]
    if run.status in FAILURES:
        reason = f": {run.error_message}" if run.error_message else "."
        yield make(36, subject, f"Its latest run, {run.job_name}, is {run.status}{reason}", _failure_hint(short))
    elif run.status == JobStatus.INCOMPLETE and (run.accepted_until is None or run.accepted_until <= now):
        named = [f"{one['path']}: {one['reason']}".removeprefix(": ") for one in run.problems[:_MOST_NAMED]]
        first = f", the first: {'; '.join(named)}" if named else ""
        what = f"Its latest run, {run.job_name}, is INCOMPLETE: {run.problem_count} problems{first}."
        hint = (
            f"Correct the problems; `backup_jobs --show {short}` lists them. If a problem cannot be corrected,"
            f" acknowledge it: `backup_health --acknowledge {short} --reason … --until …`."
        )
        yield make(36, subject, what, hint)


def _failure_hint(short: str) -> str:
    return f"Run `backup_jobs --show {short}`, correct the cause and run the backup again."


def fit_findings(
    scheduled: Sequence[BackupConfiguration], latest: Mapping[int, Latest], *, now: datetime
) -> Iterator[Finding]:
    """W037: the next runs do not fit on their disk, if they store as much as the latest ones."""
    due: dict[int, list[tuple[datetime, BackupConfiguration, int, Path]]] = {}
    for row in scheduled:
        run = latest[row.pk].run
        stored = run if run is not None and run.status in STORED_STATUSES else latest[row.pk].good
        if row.next_slot is None or stored is None or not stored.stored_size:
            continue
        try:
            place = nearest_existing(choose_place(row.storage_path, encrypted=row.encryption_enabled).storage)
        except StorageRefused:
            continue  # each job of this configuration reports it
        due.setdefault(place.stat().st_dev, []).append((row.next_slot, row, stored.stored_size, place))
    for found in due.values():
        yield from _unfit(sorted(found, key=lambda one: (one[0], one[1].pk)), now)


def _unfit(due: list[tuple[datetime, BackupConfiguration, int, Path]], now: datetime) -> Iterator[Finding]:
    """Report the first run on one disk that does not fit, together with the runs of the day before it."""
    free = shutil.disk_usage(due[0][3]).free
    for number, (slot, row, size, place) in enumerate(due):
        before = sum(one[2] for one in due[:number] if slot - one[0] <= _SOON)
        if before + size <= free:
            continue
        with_others = f", and other backups of that day {_about(before)}" if before else ""
        what = (
            f"Its latest backup stored {_about(size)}{with_others}, but {place} has only {_about(free)} free. The next"
            f" run is due on {minute_in_utc(slot)}."
        )
        make = critical if slot - now <= _SOON else warning
        yield make(
            37, row.name, what, "Free some space, run `backup_prune`, keep fewer backups, or set another storage."
        )
        return


def _about(size: int) -> str:
    """Round a size, so that the text of the finding does not change with each byte."""
    unit, name = (_GIB, "GiB") if size >= _GIB else (_MIB, "MiB")
    return f"{size / unit:.0f} {name}"
