"""A month of the five policies on a turned clock: exactly the right jobs, exactly the right backups kept."""

import io
import itertools
import json
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from django.db.models import QuerySet
from tests.backup.testing.edms import CHEAP, PASSPHRASE
from tests.backup.testing.month import BEGIN, DAY, END, HOUR, WHEN, Expectation, Look, Story, World

from apps.backup.backups.references import snapshot_tags
from apps.backup.core.progress import Tracker
from apps.backup.models import BackupConfiguration, BackupJob
from apps.backup.policies.job_request import JobRequest
from apps.backup.retention.apply import apply_retention
from apps.backup.retention.plan import trusted_now
from apps.backup.services.jobs import JobResult
from apps.backup.storage.locations import resolve_place
from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.entries import Stream
from strongroom.repository import Repository
from strongroom.repository.locks import Timing

pytestmark = pytest.mark.django_db


def require_the_right_jobs(story: Story) -> None:
    """Of every schedule every slot has one job, in the state that it deserves, tried as often as it deserves."""
    expected = Expectation(story)
    story.run(expected.look, expected.act)
    jobs = BackupJob.objects.filter(trigger="SCHEDULED")
    for name in WHEN:
        found = {
            job.slot: (job.status, job.attempt, job.started_at)
            for job in jobs.filter(configuration_name=name).order_by("slot")
        }
        assert len(found) == jobs.filter(configuration_name=name).count()
        wanted = {row.slot: (row.status, row.attempt, row.taken) for row in expected.rows[name]}
        assert sorted(found) == sorted(wanted), name
        for slot, (status, attempt, taken) in wanted.items():
            assert found[slot][:2] == (status, attempt), (name, slot)
            assert taken is None or found[slot][2] == taken, (name, slot)


class Keeper(World):
    """A world that stores real snapshots and packages, and removes old ones now and then."""

    def __init__(self, story: Story) -> None:
        super().__init__(story, self._store)
        self.place = resolve_place("", encrypted=True)
        self.packages = self.place.storage / "packages"
        self.packages.mkdir(parents=True)
        self.repository = Repository.init(LocalBackend(self.place.path), PASSPHRASE, cost=CHEAP)
        self.numbers = itertools.count()
        self.tidied = 0
        self.removed: set[int] = set()
        for name, step, count in (
            ("production_daily_full", DAY, 33),
            ("production_weekly_export", 7 * DAY, 11),
            ("production_monthly_archive", 31 * DAY, 13),
        ):
            for number in range(1, count + 1):
                self._earlier(BackupConfiguration.objects.get(name=name), BEGIN - number * step + 2 * HOUR)

    def look(self, look: Look) -> None:
        super().look(look)
        wrong = look.clock != look.at
        if self.chance.random() < (0.25 if wrong else 0.02):
            self.tidy(look.clock, right=look.at)

    def tidy(self, clock: datetime, *, right: datetime) -> None:
        """Remove what is to be removed; whatever goes could go by the right time, give or take the three days by which
        a clock may be wrong without being noticed."""
        before = backups()
        done = apply_retention(now=trusted_now(now=clock), tracker=Tracker(), tick=lambda: None)
        assert done.postponed == []
        self.tidied += 1
        gone = {job.pk for job in done.removed}
        assert not gone & self.removed
        self.removed |= gone
        assert not gone & staying(before, min(clock, right + 3 * DAY))

    def _earlier(self, row: BackupConfiguration, at: datetime) -> None:
        request = JobRequest.of_configuration(row)
        job = BackupJob(configuration=row, configuration_name=row.name, settings=request.to_json(), queued_at=at)
        job.job_name, job.backup_type, job.status, job.trust = (
            f"{row.name}-{at:%Y%m%d}",
            row.backup_type,
            "COMPLETED",
            "VERIFIED",
        )
        job.started_at = job.completed_at = job.slot = at
        result = self._store(job, at)
        job.snapshot_id, job.backup_file_path = result.snapshot_id, result.backup_file_path
        job.save()

    def _store(self, job: BackupJob, now: datetime) -> JobResult:
        if job.backup_type == "EXPORT":
            path = self.packages / f"{job.job_name}-{job.uuid}.tar.gz"
            path.write_bytes(b"a package")
            return JobResult(backup_file_path=str(path), stored_size=9)
        tags = snapshot_tags(job)
        if next(self.numbers) % 20 == 0:
            rows = Stream(b"database.dump", lambda: io.BytesIO(job.uuid.bytes))
            options = ArchiveOptions(paths=("/edms",), tags=tags, lock_timing=Timing(settle=0))
            self.latest = archive(self.repository, [rows], options).snapshot
            return JobResult(snapshot_id=self.latest.id)
        # Nothing has changed since: a snapshot of the same tree.
        return JobResult(snapshot_id=self.repository.save_snapshot(replace(self.latest, tags=tags)).id)


class Fact(NamedTuple):
    key: int
    configuration: int
    taken: datetime
    name: str
    """Of two that were taken at the same moment the greater one counts as newer."""
    good: bool
    pinned: bool


def backups() -> list[Fact]:
    """Return the stored backups."""
    return facts(BackupJob.objects.filter(removal_started_at=None).exclude(snapshot_id="", backup_file_path=""))


def facts(rows: QuerySet[BackupJob]) -> list[Fact]:
    return [
        Fact(row.pk, row.configuration_id, row.started_at, str(row.uuid), row.status == "COMPLETED", row.is_pinned)
        for row in rows
    ]


def staying(stored: list[Fact], now: datetime) -> set[int]:
    """Those that stay, each judged by counting the newer ones of its kind."""
    rules = {row.pk: (timedelta(days=row.retention_days), row.max_backups) for row in BackupConfiguration.objects.all()}
    stays = set()
    for one in stored:
        others = [other for other in stored if other.configuration == one.configuration and other.taken <= now]
        newer = [other for other in others if (one.taken, one.name) < (other.taken, other.name)]
        alike = sum(other.good == one.good for other in newer)
        last = not alike and (one.good or not any(other.good for other in newer))
        age, number = rules[one.configuration]
        if one.taken > now or one.pinned or last or (now - one.taken <= age and alike < number):
            stays.add(one.key)
    return stays


def test_the_right_jobs_and_the_right_backups(settings, monkeypatch):
    """In the catalogue, in the repository and in the folder of packages: as the rules say, and restic finds all."""
    monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE)
    settings.TIME_ZONE = "America/New_York"
    story = Story(15, "America/New_York")
    world = Keeper(story)
    story.run(world.look, world.act)
    require_the_right_jobs(story)
    assert trusted_now(now=END + HOUR) == END + HOUR
    world.tidy(END + HOUR, right=END + HOUR)
    assert world.tidied > 20
    everything = BackupJob.objects.exclude(snapshot_id="", backup_file_path="")
    rows = facts(everything)
    wanted = staying(rows, END + HOUR)
    assert {one.key for one in backups()} == wanted
    assert len(rows) - len(wanted) > 100
    kept = everything.filter(pk__in=wanted)
    restic = ["restic", "--no-cache", "-r", str(world.place.path)]
    environment = {"RESTIC_PASSWORD": PASSPHRASE, "PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": "/nonexistent"}
    listed = subprocess.run([*restic, "snapshots", "--json"], env=environment, check=True, capture_output=True)
    assert {one["id"] for one in json.loads(listed.stdout)} == set(
        kept.exclude(snapshot_id="").values_list("snapshot_id", flat=True)
    )
    subprocess.run([*restic, "check", "--read-data"], env=environment, check=True, capture_output=True)
    assert {str(path) for path in world.packages.iterdir()} == set(
        kept.exclude(backup_file_path="").values_list("backup_file_path", flat=True)
    )
