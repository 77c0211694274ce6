"""kill -9 while a backup stores damaged content again: the job has one backup in the end, and restic agrees."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.conftest import BACKEND
from tests.backup.damage.test_damage import flip, pack_with, trusts
from tests.backup.retention.homes import create, stored, trigger

pytestmark = pytest.mark.restic
SCRIPT = Path(__file__).with_name("kill_storing_again.py")


def killed(edms, *words: str) -> list[dict]:
    """What came of it; `every` instead of a write tries all of them, which takes minutes."""
    shutil.copytree(edms.home, edms.home.with_name("template"))
    changes = {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(BACKEND), "BACKUP_EXECUTOR": "inline"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        env=edms._environment(changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_of_two_snapshots_of_a_killed_job_the_one_that_reads_back_is_its_backup(edms):
    create(edms)
    first = trigger(edms)
    flip(pack_with(edms))
    (seen,) = killed(edms, "save", "snapshots", "2")
    (job,) = seen["rebuilt"]["updated"]
    shown = edms.json("backup_jobs", "--show", job)
    snapshots = stored(edms)
    removal = edms.json("backup_jobs", "--remove", job, "--yes")

    # A second attempt takes the later one, and removes the other.
    assert (seen["again"]["status"], seen["again"]["trust"], seen["left"]) == ("COMPLETED", "VERIFIED", 2)
    # Without one the catalogue enters the later one, and names the other.
    (spare,) = seen["rebuilt"]["spare"]
    assert job in spare
    assert shown["snapshot_id"][:8] not in spare
    assert seen["next"]["status"] == "COMPLETED"
    assert trusts(edms) == ["VERIFIED", "STORED", "VERIFIED"]
    assert len(snapshots) == 4
    # Whoever removes the backup of the job removes both.
    assert removal
    assert stored(edms) == {first["snapshot_id"], seen["next"]["snapshot_id"]}
