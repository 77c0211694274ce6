"""manage_backup_configs beyond the document: options, JSON, editing, adopting an earlier installation, bad input."""

import json

import pytest

MANAGE = "python manage.py manage_backup_configs "

EARLIER = """
CREATE TABLE backup_configurations (
    id integer PRIMARY KEY, uuid char(32), name varchar(100), description text, backup_type varchar(20),
    frequency varchar(20), schedule_time time, schedule_days text, schedule_day_of_month integer,
    retention_days integer, max_backups integer, storage_path varchar(500), compression_enabled bool,
    encryption_enabled bool, status varchar(20), is_enabled bool, created_at datetime, created_by_id integer)
"""
ROWS = [
    (1, "a", "daily_full_backup", "", "FULL", "DAILY", "02:00:00", "[]", None, 30, 10, "/opt/x", 1, 0, "ACTIVE", 1),
    (2, "b", "weekly", "on Sundays", "EXPORT", "WEEKLY", "03:00:00", "[6]", None, 90, 12, "/opt", 1, 1, "ACTIVE", 0),
    (3, "c", "adhoc_full_20251201_101500", "", "FULL", "ON_DEMAND", None, "[]", None, 7, 1, "", 1, 0, "ACTIVE", 1),
    (4, "d", "production_daily_full", "", "FULL", "DAILY", "01:00:00", "[]", None, 1, 1, "", 1, 0, "ACTIVE", 1),
    (5, "e", "monthly_31st", "", "FULL", "MONTHLY", "04:00:00", "[]", 31, 365, 12, "", 1, 0, "ACTIVE", 1),
    (6, "f", "monthly", "", "FILES", "MONTHLY", None, None, None, 365, 12, "", 1, 0, "ACTIVE", 1),
    (7, "g", "weekly_no_day", "", "FILES", "WEEKLY", "04:00:00", "", 30, 365, 12, "", 1, 0, "ACTIVE", 1),
    (8, "h", "of_no_length", "", "FULL", "DAILY", "04:00:00", "[]", None, -3, 12, "", 1, 0, "ACTIVE", 1),
    (9, "i", "of_no_days", "", "FULL", "WEEKLY", "04:00:00", "x", None, 30, 12, "", 1, 0, "ACTIVE", 1),
]


@pytest.fixture
def earlier(shell):
    shell.edms.write(EARLIER)
    for row in ROWS:
        shell.edms.write(f"INSERT INTO backup_configurations VALUES ({', '.join('?' * 16)}, '2025-12-01', NULL)", *row)
    return shell


def configurations(shell) -> dict[str, dict]:
    return {one["name"]: one for one in shell.edms.json("manage_backup_configs", "--list")["configurations"]}


def test_an_earlier_installation_is_shown_and_taken_over(earlier):
    listed = earlier.on_terminal(MANAGE + "--list", [])
    assert "An earlier installation has 8 configurations" in listed
    planned = earlier.run(MANAGE + "--adopt --dry-run", expect=1)
    assert "daily_full_backup: would be created (production_daily_full makes a FULL backup as often" in planned
    assert ": created" not in planned
    assert set(configurations(earlier)).isdisjoint({"daily_full_backup", "weekly"})
    shown = earlier.run(MANAGE + "--adopt --yes", expect=1)
    assert "production_daily_full: there already" in shown
    assert "of_no_length: refused" in shown
    assert "retention_days" in shown
    assert "of_no_days: refused (its schedule_days is 'x', which cannot be read" in shown
    # Values that an earlier installation left open are filled in, and reported.
    assert "monthly_31st: created (it had the day 31, which not every month has: the 28th now" in shown
    assert "monthly: created (it had no time: 00:00 now; it had no day: the 1st of the month now)" in shown
    assert "weekly_no_day: created (it had no day: Sunday now)" in shown
    assert "weekly: created (its schedule is switched off)" in shown
    found = configurations(earlier)
    assert found["daily_full_backup"]["schedule"] == "daily at 02:00"
    assert found["daily_full_backup"]["encryption_enabled"] is False
    assert (found["weekly"]["is_enabled"], found["weekly"]["max_backups"]) == (False, 12)
    assert found["adhoc_full_20251201_101500"]["is_ad_hoc"] is True
    assert found["monthly_31st"]["schedule"] == "on the 28th of the month at 04:00"
    # Outside of the allowed roots nothing is written: an earlier path becomes the usual place.
    assert found["daily_full_backup"]["storage_path"] == ""
    assert found["production_daily_full"]["retention_days"] == 30
    assert len(earlier.edms.rows("SELECT * FROM backup_configurations")) == 9
    assert "backup-daily-full-backup" in earlier.run(MANAGE + "--stats")


def test_without_an_earlier_installation_there_is_nothing_to_take_over(shell):
    assert shell.edms.json("manage_backup_configs", "--adopt")["configurations"] == []


def test_everything_as_options(shell):
    shell.run(
        MANAGE + "--create --name offsite --type FILES --frequency MONTHLY --time 04:30 --day-of-month 15"
        " --retention-days 400 --max-backups 13 --keep-yearly 7 --time-limit 90 --storage-path team/offsite"
        " --compression no --encryption no --description 'For the auditor'"
    )
    row = configurations(shell)["offsite"]
    wanted = {
        "backup_type": "FILES",
        "frequency": "MONTHLY",
        "schedule_time": "04:30:00",
        "schedule_day_of_month": 15,
        "retention_days": 400,
        "max_backups": 13,
        "keep_yearly": 7,
        "time_limit_minutes": 90,
        "storage_path": "team/offsite",
        "compression_enabled": False,
        "encryption_enabled": False,
        "description": "For the auditor",
        "schedule": "on the 15th of the month at 04:30",
    }
    assert {name: row[name] for name in wanted} == wanted


def test_edit_by_options_and_by_answers(shell):
    shell.run(MANAGE + "--edit production_daily_full --time 05:15 --max-backups 9")
    row = configurations(shell)["production_daily_full"]
    assert (row["schedule"], row["max_backups"], row["retention_days"]) == ("daily at 05:15", 9, 30)
    answers = [("Name [", ""), ("Description", ""), ("Type", ""), ("How often", "hourly"), ("Time of day", "")]
    answers += [("older than", "14"), ("Keep at most", ""), ("Folder", ""), ("Compress", ""), ("Encrypt", "")]
    shown = shell.on_terminal(MANAGE + "--edit production_daily_full", [*answers, ("Run by", "")])
    assert "hourly at minute 15, starting at 05:15" in shown
    row = configurations(shell)["production_daily_full"]
    assert (row["frequency"], row["retention_days"], row["max_backups"]) == ("HOURLY", 14, 9)


def test_dry_runs_change_nothing(shell):
    before = shell.edms.rows("SELECT * FROM backup_backupconfiguration")
    for arguments in (
        "--create --name x --frequency DAILY --time 01:00",
        "--edit production_daily_full --time 01:00",
        "--enable production_database_hourly",
        "--disable production_daily_full",
        "--delete production_daily_full",
        "--cleanup",
        "--install-production",
        "--adopt",
    ):
        shown = shell.run(MANAGE + arguments + " --dry-run")
        assert " is would be " not in shown
    assert shell.edms.rows("SELECT * FROM backup_backupconfiguration") == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--enable production_daily_ful", "Did you mean production_daily_full"),
        ("--create --name x --frequency DAILY --time 2:0", "--time"),
        ("--create --name x --frequency WEEKLY --time 02:00 --days funday", "--days"),
        ("--create --name x --frequency DAILY", "schedule_time: the frequency DAILY needs this field"),
        ("--create --name x --retention-days -5", "--retention-days"),
        ("--create --name x --max-backups many", "--max-backups"),
        ("--create --name x --type WHOLE", "--type"),
        ("--create --name x --storage-path ../../../etc", "outside"),
        ("--create --name x --storage-path /etc", "outside"),
        ("--create --name production_daily_full", "already"),
        ("--edit production_daily_full --name production_weekly_export", "already"),
        ("--list --time 02:00", "--time needs --create"),
        ("--create", "The input ended"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(shell, arguments, said):
    before = shell.edms.rows("SELECT * FROM backup_backupconfiguration")
    words = ["manage_backup_configs", *arguments.split(), "--json"]
    done = shell.edms.run(*words, expect=None)
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert said in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr
    assert shell.edms.rows("SELECT * FROM backup_backupconfiguration") == before


def test_without_a_passphrase_one_is_told_and_an_encrypted_run_is_refused(shell):
    shell.edms.environment.pop("BACKUP_PASSWORD")
    done = shell.edms.run("manage_backup_configs", "--enable", "production_database_hourly")
    assert "no passphrase is set here" in done.stderr
    shell.edms.run("trigger_backup", "--config", "production_database_hourly", expect=1)
    assert shell.edms.rows("SELECT count(*) FROM backup_backupjob") == [(0,)]


def test_a_disabled_one_can_be_run_by_hand_and_says_so(shell):
    done = shell.edms.run("trigger_backup", "--config", "production_database_hourly")
    assert "disabled. This is a manual run" in done.stderr
    assert "status: COMPLETED" in done.stdout
    assert shell.edms.json("backup_run_due")["jobs"] == []


def test_jobs_are_listed_shown_and_pinned(shell):
    shell.run("python manage.py trigger_backup --config production_pre_deployment")
    (job,) = shell.edms.json("backup_jobs", "--config", "production_pre_deployment")["jobs"]
    shown = shell.run(f"python manage.py backup_jobs --show {job['job'][:8]}")
    assert "status: COMPLETED" in shown
    lines = [line["text"] for line in shell.edms.json("backup_jobs", "--log", job["job"])["log"]]
    assert lines[0] == "Requested (Manual)."
    assert lines[-1] == "COMPLETED."
    pinned = shell.edms.json("backup_jobs", "--pin", job["job"], "--reason", "before the audit")
    assert (pinned["pinned"], pinned["pin_reason"]) == (True, "before the audit")
    shell.edms.run("backup_jobs", "--remove", job["job"], "--yes", expect=2)
    assert shell.edms.json("backup_jobs", "--unpin", job["job"])["pinned"] is False
    removed = shell.edms.json("backup_jobs", "--remove", job["job"], "--yes")
    assert removed["removed_at"] is not None
    shell.edms.run("restore_backup", job["job"], "--dry-run", expect=1)
    shell.edms.run("backup_jobs", "--cancel", job["job"], expect=1)
    shell.edms.run("backup_jobs", "--show", "nonsense", expect=1)
    assert shell.edms.json("backup_jobs", "--status", "FAILED")["jobs"] == []
