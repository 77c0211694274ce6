"""An EDMS with real backups whose age can be changed, and the stock restic to judge its repository."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

from tests.backup.testing.edms import PASSPHRASE, Edms

from strongroom.backends import LocalBackend
from strongroom.repository import Repository


def restic(edms: Edms, *arguments: str) -> str:
    done = subprocess.run(
        ["restic", "--no-cache", "-r", str(edms.storage / "repository"), *arguments],
        env={"RESTIC_PASSWORD": PASSPHRASE, "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def stored(edms: Edms) -> set[str]:
    """The snapshots that restic sees, after it has read everything and found it whole."""
    # The lock of a process that was killed: restic removes it only when it is told to.
    restic(edms, "unlock")
    restic(edms, "check", "--read-data")
    return {one["id"] for one in json.loads(restic(edms, "snapshots", "--json"))}


def create(edms: Edms, name: str = "nightly", **options: object) -> None:
    given = {"type": "FILES", "frequency": "ON_DEMAND", "retention-days": 30, "max-backups": 30, **options}
    words = [word for key, value in given.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    edms.run("manage_backup_configs", "--create", "--name", name, *words)


def trigger(edms: Edms, name: str = "nightly") -> dict:
    return edms.json("trigger_backup", "--config", name)


def make_older(edms: Edms, job: str, days: float) -> None:
    """As if the backup had been made so long ago, and its packs with it."""
    for column in ("queued_at", "started_at", "completed_at"):
        ((value,),) = edms.rows(f"SELECT {column} FROM backup_backupjob WHERE uuid = ?", job.replace("-", ""))
        moved = datetime.fromisoformat(value) - timedelta(days=days)
        edms.write(f"UPDATE backup_backupjob SET {column} = ? WHERE uuid = ?", str(moved), job.replace("-", ""))
    make_packs_older(edms)


def make_packs_older(edms: Edms) -> None:
    """A prune leaves alone what is younger than a day."""
    then = time.time() - 3 * 86_400
    for path in packs(edms):
        os.utime(path, (then, then))


def packs(edms: Edms) -> list[Path]:
    return [path for path in (edms.storage / "repository" / "data").rglob("*") if path.is_file()]


def taken(edms: Edms) -> int:
    return sum(path.stat().st_size for path in packs(edms))


def opened(edms: Edms) -> Repository:
    return Repository.open(LocalBackend(edms.storage / "repository"), PASSPHRASE)


def removed(edms: Edms) -> dict[str, str]:
    """The snapshots of the rows that say removed, with the reasons."""
    return dict(
        edms.rows(
            "SELECT snapshot_id, removal_reason FROM backup_backupjob WHERE removed_at IS NOT NULL"
            " AND removal_started_at IS NOT NULL"
        )
    )


def unfinished(edms: Edms) -> int:
    ((count,),) = edms.rows(
        "SELECT count(*) FROM backup_backupjob WHERE removed_at IS NULL AND removal_started_at IS NOT NULL"
    )
    return count


def prunes(edms: Edms) -> list[tuple]:
    return edms.rows("SELECT status, freed_bytes, error_message FROM backup_prunerun ORDER BY id")
