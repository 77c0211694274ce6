"""Manual runs: a user starts a configuration now."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from ..errors import AlreadyRunning, ConfigurationNotFound
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, JobStatus, Trigger
from ..policies.job_request import JobRequest
from .dead_jobs import job_reap
from .jobs import job_create


def configuration_run(
    configuration: uuid.UUID, *, now: datetime, triggered_by: AbstractBaseUser | None, trigger: str = Trigger.API
) -> BackupJob:
    """Write a PENDING job of a configuration. The caller hands it over to the executors.

    Raises `ConfigurationNotFound`, or `AlreadyRunning` while a job of it runs or is about to: of several concurrent
    callers one gets a job. Dead jobs are reaped first, so that they block no backup.
    """
    job_reap(now=now)
    with ledger_access("starting a configuration"), transaction.atomic(using=ledger_alias()):
        row = BackupConfiguration.objects.using(ledger_alias()).select_for_update().filter(uuid=configuration).first()
        if row is None:
            raise ConfigurationNotFound(f"There is no configuration {configuration}.")
        # A job that waits for its next attempt, perhaps for hours, does not block a manual run.
        soon = Q(status=JobStatus.PENDING) & (Q(not_before=None) | Q(not_before__lte=now))
        jobs = row.jobs.using(ledger_alias()).filter(Q(status=JobStatus.RUNNING) | soon)
        other = jobs.values_list("uuid", flat=True).first()
        if other is not None:
            raise AlreadyRunning(
                f"The configuration {row.name!r} has a job that runs or is about to ({other}); wait for its end, or"
                " cancel it.",
                job=other,
            )
        request = JobRequest.of_configuration(row)
        return job_create(request, configuration=row, now=now, trigger=trigger, triggered_by=triggered_by)
