"""A repository that others are at work in: what is to be removed waits, and says so."""

import io
from datetime import time

import pytest
from tests.backup.testing.edms import CHEAP, PASSPHRASE
from tests.backup.testing.rows import DAY, HOUR, NOW, backup, policy

from apps.backup.core.progress import Tracker
from apps.backup.models import BackupJob
from apps.backup.retention import apply as retention
from apps.backup.retention.apply import apply_retention, apply_retention_after
from apps.backup.retention.plan import trusted_now
from apps.backup.storage.locations import resolve_place
from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.entries import Stream
from strongroom.errors import RepositoryLocked
from strongroom.repository import Repository
from strongroom.repository.locks import Timing

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(monkeypatch):
    monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE)
    place = resolve_place("", encrypted=True)
    place.storage.mkdir(mode=0o700)
    return Repository.init(LocalBackend(place.path), PASSPHRASE, cost=CHEAP)


def stored(repository, configuration, age, **values) -> BackupJob:
    """A backup of that age, with a snapshot."""
    options = ArchiveOptions(paths=("/edms",), lock_timing=Timing(settle=0))
    snapshot = archive(repository, [Stream(b"x", lambda: io.BytesIO(b"x"))], options).snapshot
    return backup(configuration, age, snapshot_id=snapshot.id, **values)


def quietly(now):
    return apply_retention(now=now, tracker=Tracker(), tick=lambda: None)


@pytest.mark.slow
def test_a_lock_that_stays_postpones_it_with_words(repository, monkeypatch):
    monkeypatch.setattr(retention, "_LOCK_PATIENCE", 0.5)
    nightly = policy()
    stored(repository, nightly, 40 * DAY)
    newest = stored(repository, nightly, DAY)
    with repository.lock():
        (one,) = quietly(NOW).postponed
        assert isinstance(one.error, RepositoryLocked)
        assert "cannot be removed now: The repository in" in one.text
        apply_retention_after(newest)
    newest.refresh_from_db()
    assert [warning.split(":")[0][-10:] for warning in newest.warnings] == ["emoved now"]
    assert len(repository.snapshots()) == 2
    assert [job.job_name for job in quietly(NOW).removed] == ["40"]
    assert [snapshot.id for snapshot in repository.snapshots()] == [newest.snapshot_id]


@pytest.mark.parametrize(("status", "applied"), [("COMPLETED", True), ("INCOMPLETE", True), ("FAILED", False)])
def test_after_what_kind_of_job_old_ones_go(repository, status, applied):
    """After one that is incomplete too, or a file that can never be read would fill the disk; after a failure not."""
    nightly = policy()
    stored(repository, nightly, 900 * DAY)
    stored(repository, nightly, 3 * DAY)
    apply_retention_after(stored(repository, nightly, HOUR, status=status))
    assert BackupJob.objects.filter(removed_at__isnull=False).exists() is applied
    assert len(repository.snapshots()) == (2 if applied else 3)


def test_a_clock_that_leaps_ahead_makes_nothing_old():
    nightly = policy(frequency="DAILY", schedule_time=time(2), retention_days=30)
    for age in range(20):
        backup(nightly, age * DAY)
    assert trusted_now(now=NOW + HOUR) == NOW + HOUR
    leapt = NOW + 3650 * DAY
    assert trusted_now(now=leapt) == NOW + 3 * DAY
    # The backup that the wrong clock makes is no sign of life by itself: for half a day it is not trusted.
    backup(nightly, NOW - leapt, job_name="ahead")
    assert trusted_now(now=leapt + 11 * HOUR) == NOW + 3 * DAY
    assert trusted_now(now=leapt + 13 * HOUR) == leapt + 13 * HOUR
    # And when the clock is right again, it is trusted at once.
    assert trusted_now(now=NOW + 2 * HOUR) == NOW + 2 * HOUR


def test_where_schedules_are_rare_gaps_are_long(settings):
    monthly = policy(frequency="MONTHLY", schedule_time=time(2), schedule_day_of_month=1)
    backup(monthly, 61 * DAY)
    assert trusted_now(now=NOW) == NOW
    assert trusted_now(now=NOW + 2 * DAY) == NOW + DAY
    policy("daily", frequency="DAILY", schedule_time=time(2))
    assert trusted_now(now=NOW) == NOW - 58 * DAY


def test_without_a_schedule_there_is_no_telling_and_the_clock_is_believed():
    by_hand = policy()
    backup(by_hand, 300 * DAY)
    assert trusted_now(now=NOW) == NOW


def test_missed_slots_are_no_signs_of_life():
    nightly = policy(frequency="DAILY", schedule_time=time(2))
    backup(nightly, 100 * DAY)
    for age in range(1, 100):
        backup(nightly, age * DAY, status="MISSED", trust="", snapshot_id="", started_at=None)
    assert trusted_now(now=NOW) == NOW - 97 * DAY
