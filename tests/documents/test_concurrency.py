"""Concurrent writers in separate processes, on real databases."""

import json

import pytest
from tests.backup.testing.mariadb import mariadb  # noqa: F401  a fixture

from demo.private_postgres import private_postgres

pytestmark = pytest.mark.slow

WRITER = """
import io, sys, django
django.setup()
from apps.documents.services import category_get_or_create, document_create, document_update
name = sys.argv[1]
category = category_get_or_create("Text")
for number in range(25):
    document = document_create(io.BytesIO(b"x" * number), title=name, category=category,
                               source_name=b"x.txt", actor=name)
    document_update(document.id, actor=name, title=f"{name} {number}")
"""


def write_at_the_same_time(installation, **variables):
    migrated = installation.manage("migrate", "--verbosity", "0", **variables)
    assert migrated.returncode == 0, migrated.errors
    writers = [installation.start("-c", WRITER, f"writer {number}", **variables) for number in range(3)]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors
    verified = installation.manage("verify_documents", "--json", **variables)
    assert verified.returncode == 0, verified.output
    report = json.loads(verified.output)
    assert (report["documents"], report["audit_entries"]) == (75, 225)


def test_three_processes_share_one_chain_on_sqlite(installation):
    write_at_the_same_time(installation)


@pytest.mark.postgresql
def test_three_processes_share_one_chain_on_postgresql(installation, tmp_path):
    with private_postgres(tmp_path) as server:
        server.create_database("edms")
        write_at_the_same_time(installation, DATABASE_URL=server.url("edms"))


@pytest.mark.mariadb
def test_three_processes_share_one_chain_on_mariadb(installation, mariadb):  # noqa: F811
    mariadb.create_database("edms")
    write_at_the_same_time(installation, DATABASE_URL=mariadb.url("edms"))


def test_two_first_processes_use_the_same_secret_key(installation):
    program = "import django; django.setup(); from django.conf import settings; print(settings.SECRET_KEY)"
    started = [installation.start("-c", program) for _ in range(4)]
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert len(keys) == 1
    assert len(keys.pop().strip()) > 50
    assert (installation.home / "secret_key").stat().st_mode & 0o777 == 0o600
