"""Rows of the catalogue as real runs leave them, without the runs."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, timedelta

from tests.backup.testing.edms import CHEAP, PASSPHRASE

from apps.backup.models import BackupConfiguration, BackupJob, RestoreJob
from apps.backup.policies.job_request import JobRequest
from apps.backup.retention.plan import Verdict, plan_retention
from apps.backup.services.configurations import ConfigurationValues, configuration_create
from apps.backup.storage.locations import resolve_place
from strongroom.backends import LocalBackend
from strongroom.repository import Repository

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
_numbers = itertools.count()


def policy(name: str = "nightly", **values) -> BackupConfiguration:
    return configuration_create(ConfigurationValues(name=name, **values), now=NOW - 400 * DAY)


def backup(configuration: BackupConfiguration | None, age: timedelta, **values) -> BackupJob:
    """A backup of that age, good unless `values` say otherwise; its name tells the age in days."""
    request = JobRequest.of_configuration(configuration) if configuration else JobRequest(backup_type="FULL")
    kind = values.get("backup_type", request.backup_type)
    defaults = {
        "configuration": configuration,
        "configuration_name": configuration.name if configuration else "",
        "settings": request.to_json(),
        "job_name": f"{age / DAY:g}",
        "backup_type": request.backup_type,
        "status": "COMPLETED",
        "trust": "VERIFIED",
        "queued_at": NOW - age,
        "started_at": NOW - age,
        "completed_at": NOW - age + timedelta(minutes=5),
        "snapshot_id": f"{next(_numbers):064x}",
        "manifest": {
            "databases": {} if kind == "FILES" else {"default": {"engine": "sqlite", "tables": 1, "rows": 1}},
            "files": {} if kind == "DATABASE" else {"media": {"files": 1, "bytes": 1}},
        },
    }
    return BackupJob.objects.create(**{**defaults, **values})


def storage_holds_all() -> None:
    """Let the storage hold what the catalogue says: a repository, and a file with the name of each snapshot."""
    place = resolve_place("", encrypted=True)
    if not place.exists():
        place.path.mkdir(parents=True, exist_ok=True)
        Repository.init(LocalBackend(place.path), PASSPHRASE, cost=CHEAP)
    held = {path.name for path in (place.path / "snapshots").iterdir()}
    for name in BackupJob.objects.exclude(snapshot_id="").values_list("snapshot_id", flat=True):
        if name not in held:
            (place.path / "snapshots" / name).touch()


def restore_of(job: BackupJob, status: str = "RUNNING") -> RestoreJob:
    return RestoreJob.objects.create(uuid=uuid.uuid4(), backup_job=job, status=status, queued_at=NOW)


def verdicts(now: datetime = NOW) -> dict[str, Verdict]:
    found = plan_retention(now=now)
    by_name = {verdict.job_name: verdict for verdict in found}
    assert len(by_name) == len(found)
    return by_name


def kept(now: datetime = NOW) -> list[str]:
    """The names of what stays, newest first."""
    return [name for name, verdict in verdicts(now).items() if verdict.keep]


def gone(now: datetime = NOW) -> list[str]:
    return [name for name, verdict in verdicts(now).items() if not verdict.keep]
