"""Check the rehearsed restore of the newest backup of each database that can be rehearsed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import Error as DatabaseFailure
from django.db import connections

from ..errors import SettingsInvalid
from ..models import BackupJob, RehearsalState
from ..selectors import jobs_with_dump
from ..sources.databases import database_aliases
from ..sources.engines.registry import engine_of
from ..sources.engines.rehearsal import RESTRICTED
from ..sources.errors import SourceRefused
from .findings import Finding, critical, warning


def rehearsal_findings() -> Iterator[Finding]:
    """W033: a rehearsal failed. W034: there was none. W035: a restore would not bring everything back as it was."""
    try:
        aliases = [alias for alias in database_aliases(portable=True) if engine_of(alias).rehearses]
    except (SourceRefused, SettingsInvalid):
        return  # every backup of databases reports it
    for alias, job in jobs_with_dump(aliases).items():
        yield from _findings(alias, job)
        if job.rehearsal.get(alias, {}).get("state") != RehearsalState.IMPOSSIBLE:
            yield from _right_findings(alias)


def _right_findings(alias: str) -> Iterator[Finding]:
    """W034: a rehearsal worked before and would fail now, because the database role has lost a right."""
    # W004 reports a server that does not answer.
    with contextlib.suppress(DatabaseFailure), connections[alias].cursor() as cursor:
        for lack in engine_of(alias).missing_restore_rights(cursor):
            yield critical(34, f"database {alias}", f"It cannot be restored now: {lack}.", "Run this as a superuser.")


def _findings(alias: str, job: BackupJob) -> Iterator[Finding]:
    subject = f"database {alias}"
    found = job.rehearsal.get(alias, {})
    state = found.get("state", RehearsalState.NONE)
    again = f"run `verify_backup {str(job.uuid)[:8]}`, which rehearses it again"
    if state == RehearsalState.FAILED:
        obstacles = [_failure(one) for one in found["failures"]]
        obstacles += [(f"a restriction cannot be restored: {one}", RESTRICTED) for one in found["weaker"]]
        what, hint = obstacles[0]
        more = f" (and {len(obstacles) - 1} more, see `backup_jobs --show {str(job.uuid)[:8]}`)" * (len(obstacles) > 1)
        yield critical(33, subject, f"It cannot be restored as it is: {what}{more}.", f"{hint}; then {again}.")
    elif state == RehearsalState.IMPOSSIBLE:
        what = f"The restore of its newest backup was never rehearsed: {found['reason']}"
        yield critical(34, subject, what, f"Correct that, and {again}.")
    elif state == RehearsalState.NONE:
        what = "The restore of its newest backup was never rehearsed."
        yield warning(34, subject, what, f"The next backup will be rehearsed. To test it now, {again}.")
    elif found["notes"]:
        more = f" (and {len(found['notes']) - 1} more)" * (len(found["notes"]) > 1)
        what = f"A restore would not bring everything back as it was: {found['notes'][0]}{more}."
        yield warning(35, subject, what, f"Correct that, or accept it, and {again}.")


def _failure(one: dict[str, str]) -> tuple[str, str]:
    return f"{one['object']}: {one['reason']}", one["hint"]
