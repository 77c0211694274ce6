"""kill -9 while a backup stores damaged content again: the job has one backup in the end, and restic agrees."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.backups.test_damaged_packs import flip, pack_with, trusts
from tests.backup.testing.edms import BACKEND
from tests.backup.testing.homes import create, stored, trigger
from tests.engine.test_repair import two_snapshots
from tests.engine.testing.restic import PASSPHRASE

from apps.backup.backups.siblings import choose_sibling, newest_first
from strongroom.checker import verify_snapshot
from strongroom.ids import FileKind
from strongroom.repair.snapshots import REPAIRED
from strongroom.repository import Repository
from strongroom.testing.memory import MemoryBackend

pytestmark = pytest.mark.restic
SCRIPT = Path(__file__).parents[1] / "testing" / "kill_storing_again.py"


def killed(edms, *words: str) -> list[dict]:
    """Return the result; `every` tries all writes, which takes minutes."""
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
    # Removing the backup of the job removes both.
    assert removal
    assert stored(edms) == {first["snapshot_id"], seen["next"]["snapshot_id"]}


def test_the_newest_snapshot_that_reads_back_is_chosen(tmp_path):
    backend = MemoryBackend()
    first, second = two_snapshots(backend, tmp_path / "source")
    repository = Repository.open(backend, PASSPHRASE)
    both = repository.snapshots()
    whole = choose_sibling(repository, both).id
    # The packs that only the newer one needs are lost.
    packs = {handle for handle in backend.files if handle.kind is FileKind.PACK}
    for pack in [pack for pack in packs if _is_unneeded(backend, pack, first)]:
        del backend.files[pack]
    left = choose_sibling(Repository.open(backend, PASSPHRASE), both).id
    repaired = dataclasses.replace(both[1], tags=(*both[1].tags, REPAIRED))
    assert (whole, left) == (second, first)
    assert newest_first([repaired, both[0]]) == [both[0], repaired]


def _is_unneeded(backend, pack, snapshot):
    """Whether the snapshot reads back without that pack."""
    copy = backend.copy()
    del copy.files[pack]
    repository = Repository.open(copy, PASSPHRASE)
    return verify_snapshot(repository, repository.load_snapshot(snapshot)).good
