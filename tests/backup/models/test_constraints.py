"""The rules that the database itself keeps, on every kind of database that can be had here."""

import json
from collections.abc import Iterator

import pytest

from demo.private_postgres import private_postgres

SCRIPT = """
import datetime, json, threading, uuid
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from apps.backup.errors import IllegalTransition, RequestRefused
from apps.backup.models import BackupConfiguration, BackupJob, RestoreJob
from apps.backup.core.processes import own_identity
from apps.backup.policies.job_request import JobRequest
from apps.backup.policies.production import ConfigurationValues
from apps.backup.services.configurations import configuration_create
from apps.backup.services.jobs import job_claim, job_create

now = timezone.now()
good = BackupConfiguration.objects.create(name="good")
lease = {"lease_token": uuid.uuid4(), "lease_expires_at": now}
BackupJob.objects.create(configuration=good, slot=now, job_name="slot", backup_type="FULL")
BackupJob.objects.create(job_name="runs", backup_type="FULL", status="RUNNING", running_key=good.uuid, **lease)
for number in range(2):
    BackupJob.objects.create(job_name="adhoc", backup_type="FULL", slot=now)
    BackupJob.objects.create(job_name="adhoc", backup_type="FULL", status="RUNNING", **lease)
bad = {
    "retention": lambda: BackupConfiguration.objects.create(name="a", retention_days=0),
    "backups": lambda: BackupConfiguration.objects.create(name="a", max_backups=0),
    "day": lambda: BackupConfiguration.objects.create(name="a", schedule_day_of_month=29),
    "type": lambda: BackupConfiguration.objects.create(name="a", backup_type="HALF"),
    "frequency": lambda: BackupConfiguration.objects.create(name="a", frequency="SOMETIMES"),
    "status": lambda: BackupConfiguration.objects.create(name="a", status="GONE"),
    "name": lambda: BackupConfiguration.objects.create(name="good"),
    "slot": lambda: BackupJob.objects.create(configuration=good, slot=now, job_name="x", backup_type="FULL"),
    "job status": lambda: BackupJob.objects.create(job_name="x", backup_type="FULL", status="SUCCESS"),
    "trust": lambda: BackupJob.objects.create(job_name="x", backup_type="FULL", trust="BLIND"),
    "running twice": lambda: BackupJob.objects.create(
        job_name="x", backup_type="FULL", status="RUNNING", running_key=good.uuid, **lease),
    "key without running": lambda: BackupJob.objects.create(job_name="x", backup_type="FULL", running_key=uuid.uuid4()),
    "running without lease": lambda: BackupJob.objects.create(job_name="x", backup_type="FULL", status="RUNNING"),
    "restore status": lambda: RestoreJob.objects.create(status="MAYBE"),
    "restore type": lambda: RestoreJob.objects.create(restore_type="HALF"),
    "rollback": lambda: RestoreJob.objects.create(rollback_state="PERHAPS"),
}
accepted = []
for name, write in bad.items():
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        continue
    accepted.append(name)

job = job_create(JobRequest("FULL"), now=now)
outcomes = []
barrier = threading.Barrier(4)
def claim():
    barrier.wait()
    try:
        job_claim(job.uuid, worker=own_identity(), now=now)
        outcomes.append("won")
    except IllegalTransition:
        outcomes.append("refused")
    finally:
        connection.close()
made = []
def make():
    barrier.wait()
    try:
        configuration_create(ConfigurationValues(name="of the same name"))
        made.append("made")
    except RequestRefused as error:
        made.append(error.fields[0][0])
    finally:
        connection.close()
for target in (claim, make):
    threads = [threading.Thread(target=target) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
found = {"claims": sorted(outcomes), "made": sorted(made)}
print(json.dumps({"vendor": connection.vendor, "accepted": accepted, "tried": len(bad), **found}))
"""


KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=KINDS)
def database(request, edms, tmp_path) -> Iterator[str]:
    if request.param == "sqlite":
        yield "sqlite"
        return
    if request.param == "mysql":
        server = request.getfixturevalue("mariadb")
        server.create_database("ledger")
        edms.environment["DATABASE_URL"] = server.url("ledger")
        edms.run("migrate", "-v0")
        yield "mysql"
        return
    with private_postgres(tmp_path / "server") as server:
        server.create_database("ledger")
        edms.environment["DATABASE_URL"] = server.url("ledger")
        edms.run("migrate", "-v0")
        yield "postgresql"


def test_the_database_refuses_what_must_not_be(edms, database):
    found = json.loads(edms.run("shell", "-c", SCRIPT).stdout.splitlines()[-1])
    assert found == {
        "vendor": database,
        "accepted": [],
        "tried": 16,
        "claims": ["refused", "refused", "refused", "won"],
        "made": ["made", "name", "name", "name"],
    }
