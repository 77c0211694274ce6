"""`--dry-run` changes nothing, in any combination of any command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.testing.edms import BACKEND, Edms

WALK = Path(__file__).parents[1] / "testing" / "walk_dry_runs.py"


@pytest.fixture
def used(installed_home: Path, tmp_path: Path) -> tuple[Edms, str]:
    """An EDMS with backups, a restore that can be rolled back, and one that was killed; with the first one's id."""
    edms = Edms.copied(installed_home, tmp_path / "home")
    edms.have_repository()
    edms.run("trigger_backup", "--config", "production_daily_full")
    edms.add_files(3, folder="later")
    edms.run("trigger_backup", "--config", "production_daily_full")
    restored = edms.json("restore_backup", "latest", "--yes")["restore"]
    edms.add_files(1, folder="after-the-restore")
    _cut_off(edms)
    return edms, restored


def _cut_off(edms: Edms) -> None:
    """Create the leftovers of a kill during staging; the next command that may do so removes them."""
    staged = edms.home / ".media.edms-restore-12345678.new"
    staged.mkdir()
    (staged / "half").write_text("half of a file")
    component = {
        "kind": "folder",
        "name": "media",
        "live": str(edms.media),
        "staged": str(staged),
        "kept": str(staged.with_suffix(".old")),
        "had_live": True,
    }
    restore = "12345678-1234-4234-8234-123456789abc"
    journal = {
        "restore": restore,
        "backup": "a backup",
        "backup_job": None,
        "restore_type": "FILES_RESTORE",
        "state": "staging",
        "created_at": "2026-01-01T00:00:00Z",
        "components": [component],
    }
    (edms.storage / "restores" / f"{restore}.json").write_text(json.dumps(journal))


def _option_values(edms: Edms, restored: str, job: str, tmp_path: Path) -> dict[str, str]:
    """Return a valid value for each option of the commands."""
    (tmp_path / "next").write_text("another passphrase")
    return {
        "backup": "latest",
        "package": str(tmp_path / "none.tar.gz"),
        "rollback": restored,
        "release": restored,
        "open_kept": restored,
        "to_folder": str(edms.home / "rescue"),
        "to_database": str(edms.home / "rescue.sqlite3"),
        "path": "files/media/papers",
        "table": "documents_document",
        "leave_out": "documents_document",
        "config": "production_daily_full",
        "output": str(edms.home / "package.tar.gz"),
        **dict.fromkeys(("show", "log", "cancel", "pin", "unpin", "remove"), job),
        **dict.fromkeys(("new_password_file", "keep_password_file"), str(tmp_path / "next")),
        "limit": "5",
        "reason": "a test",
        "acknowledge": "backup.W011",
        "withdraw": "0",
        "until": "2027-03-31",
        **dict.fromkeys(("next", "enable", "disable", "delete", "edit"), "production_weekly_export"),
        **dict.fromkeys(("name", "description", "include", "exclude"), "changed"),
        "schedule_time": "05:00",
        "backup_type": "FILES",
        "frequency": "DAILY",
        "schedule_days": "1",
        **dict.fromkeys(("schedule_day_of_month", "retention_days", "max_backups", "time_limit_minutes"), "7"),
        **dict.fromkeys(("keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"), "3"),
        "storage_path": "elsewhere",
        **dict.fromkeys(("compression_enabled", "encryption_enabled", "is_enabled", "is_ad_hoc"), "no"),
    }


def test_nothing_changes(used, tmp_path):
    edms, restored = used
    job = edms.json("backup_jobs")["jobs"][-1]["job"]
    values = _option_values(edms, restored, job, tmp_path)
    done = subprocess.run(
        [sys.executable, str(WALK), json.dumps(values)],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(BACKEND),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EDMS_HOME": str(edms.home),
            **edms.environment,
        },
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["changed"] == []
    assert told["typed"] > 150
    walked = {
        "backup_jobs",
        "backup_prune",
        "backup_rekey",
        "backup_run_due",
        "manage_backup_configs",
        "restore_backup",
        "trigger_backup",
    }
    assert walked <= set(told["ends"])
    package, empty = tmp_path / "moved.tar.gz", Edms(tmp_path / "empty", edms.environment)
    edms.run("trigger_backup", "--type", "EXPORT", "--output", str(package), "--no-encryption")
    empty.json("restore_backup", "--package", str(package), "--dry-run")
    assert list(empty.home.rglob("*")) == []
    for name in walked:
        # Not all of them are refused: what is shown is seen to change nothing, too.
        assert told["ends"][name].count(0) >= 3, (name, told["ends"][name])


def test_a_dry_run_tells_what_a_rollback_and_a_release_would_do(used):
    edms, restored = used
    told = edms.run("restore_backup", "--rollback", restored, "--dry-run", "--yes")
    assert f"{edms.media} with all that was written since the restore" in " ".join(told.stdout.split())
    assert "was interrupted (staging)" in told.stderr
    plan = edms.json("restore_backup", "--release", restored, "--dry-run", "--yes")
    assert plan["dry_run"] is True
    assert plan["live_again"] == []
    assert len(plan["deleted"]) == 2
    # Both of them can still be done.
    assert (edms.media / "after-the-restore").exists()
    edms.run("restore_backup", "--rollback", restored, "--yes")
    assert not (edms.media / "after-the-restore").exists()
    refused = edms.run("restore_backup", "--release", restored, "--dry-run", expect=1)
    assert "nothing of it is kept" in refused.stderr
