"""Retention is applied by real commands on real repositories; the stock restic lists what is left."""

import shutil
import signal
import threading
import time

import pytest
from tests.backup.testing.edms import PASSPHRASE, Edms, kill
from tests.backup.testing.homes import (
    create,
    make_older,
    make_packs_older,
    opened,
    packs,
    prunes,
    removed,
    restic,
    stored,
    taken,
    trigger,
    unfinished,
)

pytestmark = pytest.mark.restic


def test_after_each_backup_the_oldest_goes_by_itself(edms, tmp_path):
    create(edms, max_backups=2)
    first = trigger(edms)
    edms.add_files(2, folder="second")
    second = trigger(edms)
    assert removed(edms) == {}
    third = trigger(edms)
    assert third["warnings"] == []
    assert stored(edms) == {second["snapshot_id"], third["snapshot_id"]}
    assert removed(edms) == {first["snapshot_id"]: "beyond the 2 most recent"}
    shown = edms.json("backup_jobs", "--show", first["job"])
    assert (shown["status"], shown["removal_reason"]) == ("COMPLETED", "beyond the 2 most recent")
    assert shown["log"][-1]["text"] == "The backup was removed: beyond the 2 most recent."
    refused = edms.run("restore_backup", first["job"], "--dry-run", expect=1)
    assert "was removed on" in refused.stderr
    assert "beyond the 2 most recent" in refused.stderr
    assert third["job"] in edms.json("restore_backup", "latest", "--dry-run")["backup_job"]
    for job in (second, third):
        target = tmp_path / job["job"]
        edms.run("restore_backup", job["job"], "--to-folder", str(target))
        for path in edms.media.rglob("*.bin"):
            assert (target / "files" / "media" / path.relative_to(edms.media)).read_bytes() == path.read_bytes()


def test_older_ones_of_another_configuration_go_too(edms):
    """A backup gets too old on a day without a backup of the same configuration."""
    create(edms, retention_days=30)
    create(edms, "other")
    old, last = trigger(edms), trigger(edms)
    make_older(edms, old["job"], 31)
    new = trigger(edms, "other")
    assert stored(edms) == {last["snapshot_id"], new["snapshot_id"]}
    assert removed(edms) == {old["snapshot_id"]: "older than 30 days"}


def test_a_removed_backup_is_no_parent(edms):
    create(edms, type="INCREMENTAL")
    first, second = trigger(edms), trigger(edms)
    assert second["warnings"] == []
    plan = edms.json("trigger_backup", "--config", "nightly", "--dry-run")
    assert plan["parent"] == second["snapshot_id"]
    edms.run("backup_jobs", "--remove", second["job"], "--yes")
    plan = edms.json("trigger_backup", "--config", "nightly", "--dry-run")
    assert plan["parent"] == first["snapshot_id"]
    assert edms.json("restore_backup", "latest", "--dry-run")["backup_job"] == first["job"]
    assert trigger(edms)["warnings"] == []


def test_the_plan_is_shown_with_reasons_and_space_and_changes_nothing(edms):
    create(edms)
    edms.add_files(3, size=700_000, folder="large")
    old = trigger(edms)
    shutil.rmtree(edms.media / "large")
    new = trigger(edms)
    make_older(edms, old["job"], 30.5)
    before = sorted(edms.storage.rglob("*"))
    plan = edms.json("backup_prune", "--dry-run")
    assert [(one["job_name"], one["keep"], one["reasons"]) for one in plan["backups"]] == [
        (plan["backups"][0]["job_name"], False, ["older than 30 days"])
    ]
    (place,) = plan["repositories"]
    assert place["snapshots"] == 1
    assert place["freed_bytes"] > 2_000_000
    assert place["worth_it"] is True
    everything = edms.json("backup_prune", "--dry-run", "--all")
    assert [(one["job"], one["keep"]) for one in everything["backups"]] == [(new["job"], True), (old["job"], False)]
    assert [path for path in sorted(edms.storage.rglob("*")) if "locks" not in path.parts] == [
        path for path in before if "locks" not in path.parts
    ]
    assert removed(edms) == {}
    held = taken(edms)
    done = edms.json("backup_prune")
    assert [one["reason"] for one in done["removed"]] == ["older than 30 days"]
    assert abs(done["freed_bytes"] - place["freed_bytes"]) < 1000
    assert held - taken(edms) == done["freed_bytes"]
    assert stored(edms) == {new["snapshot_id"]}


def test_a_prune_comes_by_itself_when_it_is_worth_it_and_once_a_day(edms):
    create(edms, max_backups=1)
    for number in range(3):
        edms.add_files(2, size=900_000, folder=f"round {number}")
        trigger(edms)
        shutil.rmtree(edms.media / f"round {number}")
        make_packs_older(edms)
    # The second run removed the first backup and pruned; the third one was on the same day.
    ((status, freed, _),) = prunes(edms)
    assert status == "COMPLETED"
    assert freed > 1_500_000
    held = taken(edms)
    assert edms.json("backup_prune")["pruned"] == []
    done = edms.json("backup_prune", "--force")
    assert done["pruned"] == [str(edms.storage / "repository")]
    assert held - taken(edms) == done["freed_bytes"] > 1_500_000
    assert [status for status, *_ in prunes(edms)] == ["COMPLETED", "COMPLETED"]
    assert len(stored(edms)) == 1
    edms.write("UPDATE backup_prunerun SET started_at = datetime(started_at, '-1 day')")
    assert edms.json("backup_prune")["pruned"] == []
    trigger(edms)
    edms.write("UPDATE backup_prunerun SET started_at = datetime(started_at, '-1 day')")
    # Little would come back: it looked, and left it.
    trigger(edms)
    assert prunes(edms)[-1][:2] == ("COMPLETED", 0)


@pytest.mark.parametrize(
    ("state", "by"),
    [("marked", "backup_prune"), ("forgotten", "the next backup"), ("marked", "backup_jobs --remove")],
)
def test_a_removal_that_was_cut_off_is_taken_up(edms, state, by):
    create(edms)
    first, second = trigger(edms), trigger(edms)
    edms.write(
        "UPDATE backup_backupjob SET removal_started_at = queued_at, removal_reason = 'older than 30 days'"
        " WHERE uuid = ?",
        first["job"].replace("-", ""),
    )
    if state == "forgotten":
        restic(edms, "forget", first["snapshot_id"])
    assert edms.json("backup_health", expect=2)["findings"]
    expected = {second["snapshot_id"]}
    if by == "backup_prune":
        assert [one["job"] for one in edms.json("backup_prune")["removed"]] == [first["job"]]
    elif by == "the next backup":
        expected.add(trigger(edms)["snapshot_id"])
    else:
        edms.run("backup_jobs", "--remove", first["job"], "--yes")
    assert stored(edms) == expected
    assert removed(edms) == {first["snapshot_id"]: "older than 30 days"}
    log = [line["text"] for line in edms.json("backup_jobs", "--show", first["job"])["log"]]
    assert [line for line in log if "removed" in line] == ["The backup was removed: older than 30 days."]
    assert "already removed" in edms.run("backup_jobs", "--remove", first["job"], "--yes", expect=2).stderr


@pytest.fixture(scope="module")
def large(tmp_path_factory, migrated_home):
    """A home with five backups of which three are to go, and much to be rewritten."""
    home = tmp_path_factory.mktemp("large") / "home"
    shutil.copytree(migrated_home, home)
    edms = Edms(home, {"BACKUP_PASSWORD": PASSPHRASE})
    edms.have_repository()
    edms.add_files(30, size=150_000, folder="common")
    create(edms)
    jobs = []
    for number in range(5):
        edms.add_files(20, size=60_000, folder="changing")
        edms.add_files(2, size=60_000, folder=f"only {number}")
        jobs.append(trigger(edms))
        shutil.rmtree(edms.media / f"only {number}")
    make_packs_older(edms)
    edms.write("UPDATE backup_backupconfiguration SET max_backups = 2")
    return edms, jobs


@pytest.mark.parametrize("delay", [0.0, 0.2, 0.4, 0.7])
def test_a_kill_at_any_moment_is_mended_by_the_next_round(large, tmp_path, delay):
    """Counted from the first mark: while it marks, forgets, says so, plans the prune, rewrites, or has ended."""
    edms, jobs = large
    home = tmp_path / "home"
    shutil.copytree(edms.home, home)
    edms = type(edms)(home, edms.environment)
    going, staying = {job["snapshot_id"] for job in jobs[:3]}, {job["snapshot_id"] for job in jobs[3:]}
    process = edms.start("backup_prune", "--force")
    edms.wait_for_job("removal_started_at IS NOT NULL", process=process)
    time.sleep(delay)
    kill(process)
    assert staying <= stored(edms)
    edms.json("backup_prune", "--force")
    assert stored(edms) == staying
    assert set(removed(edms)) == going
    assert unfinished(edms) == 0
    runs = prunes(edms)
    assert [status for status, *_ in runs[-1:]] == ["COMPLETED"]
    assert all(status == "FAILED" and "interrupted" in error for status, _, error in runs[:-1] if status != "COMPLETED")
    assert edms.json("verify_backup", jobs[4]["job"])["trust"] == "VERIFIED"
    assert edms.json("backup_prune", "--dry-run")["repositories"][0]["freed_bytes"] == 0


def test_a_backup_that_runs_is_waited_for_and_nothing_is_lost(edms):
    create(edms, max_backups=1)
    first = trigger(edms)
    edms.add_files(60, size=2_000_000, folder="scans")
    before = len(packs(edms))
    running = edms.start("trigger_backup", "--type", "FILES", "--json")
    edms.wait_for_job("status = 'RUNNING'", process=running)
    while len(packs(edms)) == before:
        assert running.poll() is None
    second = trigger(edms)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, out + err
    assert removed(edms) == {first["snapshot_id"]: "beyond the 1 most recent"}
    assert second["snapshot_id"] in stored(edms)
    assert len(stored(edms)) == 2


def waiting_prune(edms):
    """A `backup_prune` that has made its plan and waits for the lock that we hold; and that lock."""
    repository = opened(edms)
    lock = repository.lock()
    process = edms.start("backup_prune")
    for line in process.stderr:
        if "waiting for the repository's lock" in line:
            break
    assert process.poll() is None
    return process, lock


@pytest.mark.parametrize("what", ["pin", "restore"])
def test_restores_begun_after_the_plan_protect(edms, what):
    create(edms)
    old, last = trigger(edms), trigger(edms)
    make_older(edms, old["job"], 40)
    process, lock = waiting_prune(edms)
    with lock:
        if what == "pin":
            edms.run("backup_jobs", "--pin", old["job"], "--reason", "the auditor comes")
        else:
            ((key,),) = edms.rows("SELECT id FROM backup_backupjob WHERE uuid = ?", old["job"].replace("-", ""))
            edms.write(
                "INSERT INTO backup_restorejob (uuid, backup_job_id, backup_reference, restore_type, target, plan,"
                " status, phases, counts, changes, log, rollback_state, error_message, queued_at, changed_at)"
                " VALUES ('0123456789abcdef0123456789abcdef', ?, '', 'FULL_RESTORE', '', '{}', 'RUNNING', '[]', '{}',"
                " '{}', '[]', 'NONE', '', datetime('now'), datetime('now'))",
                key,
            )
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert stored(edms) == {old["snapshot_id"], last["snapshot_id"]}
    assert (removed(edms), unfinished(edms)) == ({}, 0)
    if what == "pin":
        refused = edms.run("backup_jobs", "--remove", old["job"], "--yes", expect=2)
        assert "the auditor comes" in refused.stderr
        edms.run("backup_jobs", "--unpin", old["job"])
    else:
        refused = edms.run("backup_jobs", "--remove", old["job"], "--yes", expect=2)
        assert "a restore needs it" in refused.stderr
        edms.write("UPDATE backup_restorejob SET status = 'COMPLETED'")
    edms.run("backup_prune")
    assert stored(edms) == {last["snapshot_id"]}


def test_the_lock_of_a_killed_process_blocks_nothing(edms):
    create(edms)
    old, last = trigger(edms), trigger(edms)
    make_older(edms, old["job"], 40)
    process, lock = waiting_prune(edms)
    kill(process)
    edms.add_files(40, size=2_000_000, folder="scans")
    busy = edms.start("trigger_backup", "--type", "FILES")
    locks = edms.storage / "repository" / "locks"
    lock.release()
    while not list(locks.iterdir()):
        assert busy.poll() is None
    kill(busy)
    assert list(locks.iterdir())
    started = time.monotonic()
    edms.run("backup_prune")
    assert time.monotonic() - started < 30
    assert stored(edms) == {last["snapshot_id"]}


def test_failures_after_a_good_backup_are_warnings(edms):
    create(edms, max_backups=1)
    shutil.rmtree(edms.media)
    edms.add_files(2, size=600_000, folder="one")
    pinned = trigger(edms)
    edms.run("backup_jobs", "--pin", pinned["job"])
    lost = packs(edms)
    shutil.rmtree(edms.media)
    edms.add_files(2, size=600_000, folder="two")
    trigger(edms)
    for path in lost:
        path.unlink()
    shutil.rmtree(edms.media)
    edms.add_files(2, size=600_000, folder="three")
    job = trigger(edms)
    assert job["status"] == "COMPLETED"
    assert "No such file" in " ".join(job["warnings"])
    ((status, _, error),) = prunes(edms)
    assert (status, "No such file" in error) == ("FAILED", True)
    # An earlier backup needs what is missing, which is worse than a prune that failed.
    health = edms.json("backup_health", expect=2)
    for finding in ("backup.W022", "backup.W030"):
        assert [one["subject"] for one in health["findings"] if one["id"] == finding] == [
            str(edms.storage / "repository")
        ]
    assert "No such file" in edms.run("backup_prune", "--force", expect=1).stdout


def test_one_storage_that_is_broken_does_not_keep_the_others_from_being_tidied(edms):
    create(edms, "broken", storage_path="a")
    create(edms, "fine", storage_path="b")
    jobs = {name: [trigger(edms, name) for _ in range(2)] for name in ("broken", "fine")}
    for name in jobs:
        make_older(edms, jobs[name][0]["job"], 40)
    (edms.storage / "a" / "repository" / "config").rename(edms.storage / "config")
    done = edms.json("backup_prune", expect=10)
    assert [one["job"] for one in done["removed"]] == [jobs["fine"][0]["job"]]
    assert str(edms.storage / "a" / "repository") in done["postponed"][0]
    # The other one's next backup says nothing about it: it is not its fault.
    assert trigger(edms, "fine")["warnings"] == []
    (edms.storage / "config").rename(edms.storage / "a" / "repository" / "config")
    assert [one["job"] for one in edms.json("backup_prune")["removed"]] == [jobs["broken"][0]["job"]]


def test_a_signal_ends_it_between_two_steps(edms):
    create(edms)
    old = trigger(edms)
    trigger(edms)
    make_older(edms, old["job"], 40)
    process, lock = waiting_prune(edms)
    threading.Timer(0.3, process.send_signal, [signal.SIGTERM]).start()
    process.communicate(timeout=30)
    lock.release()
    assert process.returncode == 130
    assert unfinished(edms) == 0
    assert len(stored(edms)) == 2
