"""The number of queries of every GET address is the same for a hundred configurations and for a thousand."""

from __future__ import annotations

import pytest
from benchmarks.api import PATHS, forget, names
from benchmarks.large_ledger import fill
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.backup.testing.stored_backup import ROOT

from apps.backup.api.openapi_document import document
from apps.backup.models import BackupConfiguration, BackupJob

pytestmark = pytest.mark.slow

FROM_BACKUPS = {f"/jobs/{{uuid}}/{what}/" for what in ("documents", "files", "tables", "download")}
"""Count the bytes read from a repository."""
ONE_OF_MANY = {"/operations/{uuid}/", "/restores/{uuid}/", "/uploads/{uuid}/", "/restores/{uuid}/watch/"}
"""Of which the benchmark's catalogue has none."""


def queries(client) -> dict[str, int]:
    known, found = names(client), {}
    for path in PATHS:
        forget()
        with CaptureQueriesContext(connection) as caught:
            answer = client.get(ROOT + path.format(**known), HTTP_ACCEPT="application/json")
        assert answer.status_code == 200, (path, answer.content)
        found[path] = len(caught)
    return found


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow(admin):
    fill(100, 3, now=timezone.now())
    few = queries(admin)
    BackupJob.objects.all().delete()
    BackupConfiguration.objects.all().delete()
    fill(1000, 3, now=timezone.now())
    assert queries(admin) == few
    assert max(few.values()) <= 42


def test_every_address_is_measured():
    known = {path for path, methods in document()["paths"].items() if "get" in methods}
    words = {"job": "{uuid}", "configuration": "{uuid}"}
    measured = {"/" + path.partition("?")[0].format(**words) for path in PATHS}
    assert measured == known - FROM_BACKUPS - ONE_OF_MANY
