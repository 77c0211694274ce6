"""A catalogue from before it knew the repositories: every snapshot gets one, by the place where it was stored."""

from __future__ import annotations

import json

import pytest
from tests.backup.testing.edms import BACKEND, Edms

from demo.private_postgres import private_postgres

JOBS = """
from apps.backup.models import BackupJob
places = [("", True), ("", True), ("second", True), ("", False), ("", None)]
for number, (path, encrypted) in enumerate(places):
    settings = {"storage_path": path} if encrypted is None else {"storage_path": path, "encryption": encrypted}
    BackupJob.objects.create(job_name=str(number), backup_type="FULL", status="COMPLETED", settings=settings,
                             snapshot_id=str(number) * 64)
BackupJob.objects.create(job_name="package", backup_type="EXPORT", status="COMPLETED", backup_file_path="/x.tar.gz")
"""
SHOW = """
import json
from apps.backup.models import BackupJob
rows = BackupJob.objects.order_by("pk").select_related("repository")
print(json.dumps([[one.job_name, one.repository and [one.repository.storage_path, one.repository.encrypted,
    one.repository.repository_id]] for one in rows]))
"""


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_snapshots_from_before_get_the_repository_of_their_place(new_edms: Edms, tmp_path, engine):
    if engine == "sqlite":
        check(new_edms)
        return
    with private_postgres(tmp_path / "server") as server:
        server.create_database("ledger")
        new_edms.environment["DATABASE_URL"] = server.url("ledger")
        new_edms.run("migrate", "-v0")
        check(new_edms)


def check(edms: Edms) -> None:
    edms.run("shell", "-v0", "-c", JOBS)
    edms.run("migrate", "-v0", "backup", "0004")
    edms.run("migrate", "-v0")
    main, second, plain = ["", True, ""], ["second", True, ""], ["", False, ""]
    assert json.loads(edms.run("shell", "-v0", "-c", SHOW).stdout) == [
        ["0", main],
        ["1", main],
        ["2", second],
        ["3", plain],
        ["4", main],
        ["package", None],
    ]


def test_no_migration_calls_what_the_oldest_django_lacks():
    """`makemigrations` writes CheckConstraint(condition=…), which Django 4.2 refuses: constraints.py has what works."""
    files = [path for app in ("backup", "documents") for path in BACKEND.glob(f"apps/{app}/migrations/0*.py")]
    assert len(files) > 10
    assert [path.name for path in files if "CheckConstraint(" in path.read_text()] == []
