"""Acknowledgements: a user states that a finding, or a problem of a backup, is known until a date.

An acknowledged finding stays listed. It is open again when the acknowledgement ends or is withdrawn, and when its text
changes.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from ..errors import AcknowledgementNotFound, RequestRefused
from ..ledger import ledger_access, ledger_alias
from ..models import Acknowledgement, BackupJob, JobStatus
from ..selectors import acknowledgements_open, jobs_incomplete
from .actor import current_actor
from .audit import AuditObject, audit_record
from .job_log import storable_text

_LONGEST = timedelta(days=366)
_LONGEST_REASON = 500


def findings_acknowledge(
    findings: Collection[tuple[str, str, str]], *, why: str, until: datetime, now: datetime
) -> list[Acknowledgement]:
    """Acknowledge findings by id, subject and text. Raises `RequestRefused`."""
    _require_valid(why, until, now)
    return _write([(kind, subject, text) for kind, subject, text in findings], why=why, until=until, now=now)


def problems_acknowledge(job: BackupJob, *, why: str, until: datetime, now: datetime) -> list[Acknowledgement]:
    """Acknowledge each problem of an INCOMPLETE job. Raises `RequestRefused`, also if the job lists only some."""
    _require_valid(why, until, now)
    if job.status != JobStatus.INCOMPLETE:
        raise RequestRefused(f"The job {job.job_name} is {job.status}; only problems of INCOMPLETE jobs are accepted.")
    if not _all_listed(job):
        raise RequestRefused(
            f"The job {job.job_name} has {job.problem_count} problems and names fewer. Only named problems can be"
            " acknowledged: correct some of them and run it again."
        )
    named = [(Acknowledgement.PROBLEM, one["path"], one["reason"]) for one in job.problems]
    return _write(named, why=why, until=until, now=now)


def acknowledgement_withdraw(acknowledgement: uuid.UUID, *, now: datetime) -> None:
    """Withdraw an acknowledgement: its finding is open again. Raises `AcknowledgementNotFound`."""
    with ledger_access("withdrawing an acknowledgement"), transaction.atomic(using=ledger_alias()):
        row = Acknowledgement.objects.using(ledger_alias()).filter(uuid=acknowledgement).first()
        if row is None:
            raise AcknowledgementNotFound(f"There is no acknowledgement {acknowledgement}.")
        row.delete()
        _update_accepted_until(now)
        audit_record("acknowledgement.withdraw", _audited(row))


def accepted_until(problems: Collection[Mapping[str, str]], count: int, *, now: datetime) -> datetime | None:
    """Return the time until which all problems of a job are acknowledged; None if one is open or not listed."""
    return _earliest_end(problems, count, _acknowledged_until(now))


def _acknowledged_until(now: datetime) -> dict[tuple[str, str], datetime]:
    found: dict[tuple[str, str], datetime] = {}
    for row in acknowledgements_open(now=now):
        if row.kind == Acknowledgement.PROBLEM:
            key = (row.subject, row.text)
            found[key] = max(row.until, found.get(key, row.until))
    return found


def _earliest_end(
    problems: Collection[Mapping[str, str]], count: int, ends: Mapping[tuple[str, str], datetime]
) -> datetime | None:
    if not problems or len(problems) != count:
        return None
    found = [ends.get((one["path"], one["reason"])) for one in problems]
    known = [until for until in found if until is not None]
    return min(known) if len(known) == len(found) else None


def _all_listed(job: BackupJob) -> bool:
    return len(job.problems) == job.problem_count > 0 and all(one["path"] for one in job.problems)


def _update_accepted_until(now: datetime) -> None:
    """Write to each INCOMPLETE job the time until which its problems are acknowledged."""
    ends = _acknowledged_until(now)
    for job in jobs_incomplete():
        until = _earliest_end(job.problems, job.problem_count, ends)
        if until != job.accepted_until:
            BackupJob.objects.using(ledger_alias()).filter(pk=job.pk).update(accepted_until=until)


def _write(
    named: Collection[tuple[str, str, str]], *, why: str, until: datetime, now: datetime
) -> list[Acknowledgement]:
    with ledger_access("acknowledging"), transaction.atomic(using=ledger_alias()):
        rows = [
            Acknowledgement(
                kind=kind,
                subject=storable_text(subject),
                text=storable_text(text),
                who=storable_text(current_actor().name)[:200],
                why=storable_text(why),
                at=now,
                until=until,
            )
            for kind, subject, text in named
        ]
        for row in rows:
            row.save(force_insert=True, using=ledger_alias())
        _update_accepted_until(now)
        for row in rows:
            audit_record("acknowledgement.create", _audited(row), details={"why": why, "until": until.isoformat()})
    return rows


def _audited(row: Acknowledgement) -> AuditObject:
    return AuditObject("acknowledgement", str(row.uuid), f"{row.kind} {row.subject}")


def _require_valid(why: str, until: datetime, now: datetime) -> None:
    if not why.strip() or len(why) > _LONGEST_REASON:
        text = f"Say why, in at most {_LONGEST_REASON} characters."
        raise RequestRefused(text, [("why", text)])
    if not now < until <= now + _LONGEST:
        text = "Say until when: a time within a year from now."
        raise RequestRefused(text, [("until", text)])
