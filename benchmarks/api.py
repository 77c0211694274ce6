"""The HTTP API on a large catalogue, in process: 100,000 jobs of 1,000 configurations against five.

    python benchmarks/api.py [--configurations 1000] [--jobs 100] [--requests 200] [--database sqlite|postgresql]

Every GET address that answers from the catalogue. A request goes through Django's test client: middleware, rights,
view, JSON; nothing of a network. The ratio is to the same request to a catalogue with five jobs; the goal is a p95 of
100 ms.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
import uuid
from pathlib import Path

from rich.console import Console
from rich.table import Table

GOAL_MS = 100.0
API = "/api/v1/backup/"
# Names in braces are looked up first: the newest job and its configuration.
PATHS = (
    "configurations/",
    "configurations/?search=policy-00&ordering=-updated_at",
    "configurations/{configuration}/",
    "configurations/{configuration}/schedule/",
    "configurations/{configuration}/retention/",
    "jobs/",
    "jobs/?limit=200",
    "jobs/?cursor={cursor}",
    "jobs/?status=FAILED",
    "jobs/?status=RUNNING",
    "jobs/?backup_type=EXPORT&status=COMPLETED",
    "jobs/?configuration={configuration}",
    "jobs/?trigger=MANUAL",
    "jobs/?trust=PROVEN",
    "jobs/?is_pinned=true",
    "jobs/?has_backup=true",
    "jobs/?search=policy-0007",
    "jobs/?search=nothing-of-that-name",
    "jobs/?ordering=started_at",
    "jobs/?ordering=-backup_size",
    "jobs/?ordering=-stored_size",
    "jobs/?ordering=job_name",
    "jobs/{job}/",
    "restores/",
    "restores/suggestion/",
    "operations/",
    "uploads/",
    "system/rights/",
    "system/status/",
    "system/statistics/",
    "system/statistics/?days=366",
    "system/findings/",
    "system/acknowledgements/",
    "system/repositories/",
    "system/installation/",
    "system/audit/",
    "system/events/?since={since}",
)
Measured = dict[str, tuple[float, float, float, int]]
"""By address: p50 and p95 in milliseconds, the first one when nothing is kept, and the number of queries."""


def measure(requests: int) -> Measured:
    """Ask for everything, so many times each."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415  settings first
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    client = Client(headers={"accept": "application/json"})
    user, _ = get_user_model().objects.get_or_create(username="bench", is_superuser=True)
    client.force_login(user)
    known = names(client)
    found: Measured = {}
    for path in PATHS:
        address = API + path.format(**known)
        answer = client.get(address)
        if answer.status_code == 404:
            continue
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.content[:500]!r}"
        # The cache is warm by now; the number of queries is counted without it.
        forget()
        with CaptureQueriesContext(connection) as caught:
            began = time.perf_counter()
            client.get(address)
            first = (time.perf_counter() - began) * 1000
        queries = len(caught)
        taken = []
        gc.collect()
        for _ in range(requests):
            began = time.perf_counter()
            client.get(address)
            taken.append((time.perf_counter() - began) * 1000)
        found[path] = (statistics.median(taken), statistics.quantiles(taken, n=20)[-1], first, queries)
    return found


def names(client) -> dict[str, str]:  # noqa: ANN001  of a module that is loaded late
    """Return the identifiers that the addresses contain."""
    page = client.get(f"{API}jobs/?limit=200").json()
    rows = page["results"]
    configurations = client.get(f"{API}configurations/").json()["results"]
    return {
        "job": rows[0]["uuid"] if rows else str(uuid.UUID(int=0)),
        "configuration": configurations[0]["uuid"] if configurations else str(uuid.UUID(int=0)),
        "cursor": (page["next"] or "cursor=").partition("cursor=")[2].partition("&")[0],
        "since": str(int((time.time() - 30) * 1_000_000)),
    }


def forget() -> None:
    """Have everything found out anew that is kept for seconds."""
    from apps.backup.backups.presence import forget_presence  # noqa: PLC0415
    from apps.backup.doctor.health import forget_health  # noqa: PLC0415
    from apps.backup.reporting.statistics import forget_statistics  # noqa: PLC0415
    from apps.backup.reporting.storage_inventory import forget_repositories  # noqa: PLC0415

    forget_health()
    forget_presence()
    forget_repositories()
    forget_statistics()


def main() -> None:
    """Measure an empty catalogue, fill it, measure again, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configurations", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    from scale import PASSPHRASE, database  # noqa: PLC0415  it lies beside this

    with tempfile.TemporaryDirectory() as folder, database(options.database, Path(folder)) as environment:
        os.environ |= {"EDMS_HOME": f"{folder}/home", "BACKUP_PASSWORD": PASSPHRASE, **environment}
        begin()
        from django.db import connection  # noqa: PLC0415
        from django.utils import timezone  # noqa: PLC0415
        from large_ledger import fill  # noqa: PLC0415

        from apps.backup.models import BackupConfiguration, BackupJob  # noqa: PLC0415

        fill(5, 1, now=timezone.now())
        small = measure(max(20, options.requests // 4))
        BackupJob.objects.all().delete()
        BackupConfiguration.objects.all().delete()
        fill(options.configurations, options.jobs, now=timezone.now())
        if options.database == "postgresql":
            with connection.cursor() as cursor:
                # As its autovacuum does a little later.
                cursor.execute("VACUUM ANALYZE")
        show(small, measure(options.requests), f"{options.configurations * options.jobs:,} jobs, {options.database}")
        connection.close()


def begin() -> None:
    """Load the project, without limits to how often one may ask, and make its tables."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django  # noqa: PLC0415  settings first
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.BACKUP_API_RATES = {"read": None, "change": None, "download": None}
    call_command("migrate", verbosity=0)
    from config.loading import load_all  # noqa: PLC0415

    load_all()


def show(small: Measured, full: Measured, title: str) -> None:
    """One line for each address; what is slower than the goal is marked."""
    table = Table("GET", "p50 ms", "p95 ms", "first ms", "five jobs", "ratio", "queries", title=title)
    for path, (middle, slow, first, queries) in full.items():
        before = small.get(path)
        mark = " !" if slow > GOAL_MS else ""
        changed = f" (five jobs: {before[3]})" if before and before[3] != queries else ""
        table.add_row(
            path,
            f"{middle:.1f}",
            f"{slow:.1f}{mark}",
            f"{first:.0f}",
            f"{before[0]:.1f}" if before else "",
            f"{middle / before[0]:.1f}" if before else "",
            f"{queries}{changed}",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
