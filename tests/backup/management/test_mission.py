"""Every command of the mission document, typed as it stands there, does what the document says."""

import re
import tarfile
from datetime import UTC, datetime

from tests.backup.testing import mission

NAMES = {
    "production_daily_full",
    "production_weekly_export",
    "production_monthly_archive",
    "production_database_hourly",
    "production_pre_deployment",
}


def test_view_all_configurations(shell):
    shown = shell.run(mission.LIST)
    titles, *lines = shown.splitlines()
    assert titles.split("\t")[:3] == ["Name", "Type", "Schedule"]
    rows = {line.split("\t")[0]: line.split("\t") for line in lines}
    assert set(rows) == NAMES
    assert rows["production_daily_full"][1:3] == ["FULL", "daily at 02:00"]
    assert rows["production_weekly_export"][1:3] == ["EXPORT", "Sundays at 03:00"]
    assert rows["production_monthly_archive"][1:3] == ["FULL", "on the 1st of the month at 04:00"]
    assert rows["production_database_hourly"][6] == "disabled"
    assert rows["production_pre_deployment"][2] == "on demand"
    assert rows["production_monthly_archive"][4] == "365 days / 12 backups"
    on_screen = shell.on_terminal(mission.LIST, [])
    assert "Schedule" in on_screen
    assert all(name in on_screen for name in NAMES)
    assert "\x1b[" in on_screen


def test_check_backup_statistics(shell):
    shown = shell.run(mission.STATS)
    assert "configurations: 5 (4 enabled, 1 disabled)" in shown
    assert "periodic tasks: 3 (backup-daily-full, backup-monthly-archive, backup-weekly-export)" in shown
    assert "jobs: 0" in shown
    assert shell.run(mission.DEVELOPER_LIST).endswith(shown)


def test_enable_and_disable(shell):
    assert "production_database_hourly is enabled" in shell.run(mission.ENABLE)
    assert "production_daily_full is disabled" in shell.run(mission.DISABLE)
    tasks = shell.run(mission.PERIODIC_TASKS)
    assert "backup-database-hourly: Enabled" in tasks
    assert "backup-daily-full" not in tasks
    assert "is enabled" in shell.run(mission.SWITCH, name="production_weekly_export")
    assert "production_weekly_export is disabled" in shell.run(mission.SWITCH, name="production_weekly_export")


def test_trigger_a_manual_backup(shell):
    for snippet, name in (
        (mission.TRIGGER_CONFIG, "production_pre_deployment"),
        (mission.TRIGGER_EXISTING, "production_daily_full"),
        (mission.TRIGGER_TYPE, "adhoc-full"),
    ):
        shown = shell.run(snippet)
        assert f"({name}-" in shown
        assert "status: COMPLETED\ntrust: VERIFIED" in shown
    # The snapshot holds rows and files, and not their names alone.
    listed = shell.edms.json("backup_jobs")["jobs"]
    assert [job["status"] for job in listed] == ["COMPLETED"] * 3
    shell.edms.run("restore_backup", "latest", "--to-folder", str(shell.edms.home / "back"))
    assert len(list((shell.edms.home / "back" / "files" / "media" / "papers").iterdir())) == 5
    assert next((shell.edms.home / "back" / "databases" / "default").iterdir()).stat().st_size > 100_000


def test_export_to_a_path(shell, tmp_path):
    shown = shell.run(mission.TRIGGER_OUTPUT, folder=str(tmp_path))
    assert "status: COMPLETED" in shown
    with tarfile.open(tmp_path / "backup.tar.gz") as package:
        names = package.getnames()
    assert "manifest.json" in names
    assert sum(name.startswith("files/media/papers/paper-") for name in names) == 5


def test_delete_asks_and_says_what_happens_to_the_backups(shell):
    shell.run(mission.TRIGGER_CONFIG)
    kept = shell.on_terminal(mission.DELETE, [("Type yes", "no")], name="production_pre_deployment", expect=2)
    assert "Its 1 backups stay stored and can be restored" in kept
    assert "Not confirmed" in kept
    assert "production_pre_deployment" in shell.run(mission.LIST)
    shown = shell.on_terminal(mission.DELETE, [("Type yes", "yes")], name="production_pre_deployment")
    assert "production_pre_deployment is deleted" in shown
    assert "production_pre_deployment" not in shell.run(mission.LIST)
    assert shell.edms.json("restore_backup", "latest", "--dry-run")["blocking"] == []
    # Without a terminal there is no confirmation, and nothing is deleted.
    shell.run(mission.DELETE, name="production_daily_full", expect=2)
    assert "production_daily_full" in shell.run(mission.LIST)


def test_delete_takes_the_backups_along_when_it_is_told_to(shell):
    shell.run(mission.TRIGGER_CONFIG)
    (job,) = shell.edms.json("backup_jobs", "--list")["jobs"]
    delete = "python manage.py manage_backup_configs --delete production_pre_deployment --with-backups"
    shell.run(f"python manage.py backup_jobs --pin {job['job']}")
    assert "1 backups are pinned, such as" in shell.edms.run(*delete.split()[2:], "--yes", expect=2).stderr
    shell.run(f"python manage.py backup_jobs --unpin {job['job']}")
    assert "production_pre_deployment and its 1 backups" in shell.run(f"{delete} --dry-run")
    assert list((shell.edms.storage / "repository" / "snapshots").iterdir())
    assert "are deleted" in shell.on_terminal(delete, [("Type yes", "yes")])
    assert not list((shell.edms.storage / "repository" / "snapshots").iterdir())
    assert "production_pre_deployment" not in shell.run(mission.LIST)
    assert "needs --delete" in shell.edms.run("manage_backup_configs", "--list", "--with-backups", expect=2).stderr


def test_clean_up_shows_and_removes_old_ad_hoc_ones_without_jobs(shell):
    assert "No configurations to clean up" in shell.run(mission.CLEANUP)
    create = "python manage.py manage_backup_configs --create --ad-hoc yes --name "
    for name in ("old", "old_with_job", "young"):
        shell.run(create + name)
    shell.run("python manage.py manage_backup_configs --create --name old_policy")
    shell.run("python manage.py trigger_backup --config old_with_job")
    shell.edms.write(
        "UPDATE backup_backupconfiguration SET created_at = datetime('now', '-8 days') WHERE name LIKE 'old%'"
    )
    shown = shell.on_terminal(mission.CLEAN_UP, [("Type yes", "yes")])
    assert "old (created" in shown
    assert "old_with_job" not in shown
    assert "1 configurations are deleted" in shown
    left = {line.split("\t")[0] for line in shell.run(mission.LIST).splitlines()[1:]}
    assert left == NAMES | {"old_with_job", "young", "old_policy"}


def test_create_asks_with_defaults_and_asks_again(shell):
    answers = [
        ("Name:", ""),
        ("a name is required", "evening files"),
        ("Description:", "before the cleaners come"),
        ("Type", "files"),
        ("How often", "sometimes"),
        ("is not one of", "weekly"),
        ("Time of day", "25:00"),
        ("must be from 00:00", "18:30"),
        ("Days of the week", "friday, mon"),
        ("Delete backups older", "-1"),
        ("is not a number from 1", ""),
        ("Keep at most", "5"),
        ("Folder inside", ""),
        ("Compress", ""),
        ("Encrypt", ""),
        ("Run by schedule", ""),
    ]
    shown = shell.on_terminal(mission.CREATE, answers)
    assert "evening files is created" in shown
    (row,) = [
        one
        for one in shell.edms.json("manage_backup_configs", "--list")["configurations"]
        if one["name"] == "evening files"
    ]
    assert (row["backup_type"], row["schedule"]) == ("FILES", "Mondays, Fridays at 18:30")
    assert (row["retention_days"], row["max_backups"], row["encryption_enabled"]) == (30, 5, True)
    assert row["description"] == "before the cleaners come"
    assert len(row["next_runs"]) == 1


def test_periodic_tasks(shell):
    assert sorted(shell.run(mission.PERIODIC_TASKS).split("\n")) == [
        "",
        "backup-daily-full: Enabled",
        "backup-monthly-archive: Enabled",
        "backup-weekly-export: Enabled",
    ]


def test_next_scheduled_run(shell):
    now = datetime.now(UTC)
    shown = shell.run(mission.NEXT_RUN)
    found = re.findall(r"^(backup-[a-z-]+): Next run in (?:(\d+) days?, )?(\d+):(\d\d):(\d\d)", shown, re.MULTILINE)
    found.sort()
    assert [name for name, *_ in found] == ["backup-daily-full", "backup-monthly-archive", "backup-weekly-export"]
    seconds = {name: int(d or 0) * 86_400 + int(h) * 3600 + int(m) * 60 + int(s) for name, d, h, m, s in found}
    until = {name: one["at"] for name, one in zip(seconds, _next_by_name(shell), strict=True)}
    for name, moment in until.items():
        expected = (datetime.fromisoformat(moment) - now).total_seconds()
        assert abs(seconds[name] - expected) < 60, name


def _next_by_name(shell) -> list[dict]:
    found = shell.edms.json("manage_backup_configs", "--next")["next"]
    return sorted(found, key=lambda one: one["configuration"])


def test_one_periodic_task(shell):
    shown = shell.run(mission.ONE_TASK)
    assert "Enabled: True" in shown
    assert "Schedule: 0 2 * * *" in shown


def test_uuid(shell):
    (found,) = re.findall(r"^UUID: ([0-9a-f-]{36})$", shell.run(mission.UUID), re.MULTILINE)
    rows = shell.edms.json("manage_backup_configs", "--list")["configurations"]
    assert found == next(row["uuid"] for row in rows if row["name"] == "production_daily_full")
