"""A snapshot file that cannot be read, and packs that are gone: no answer counts on them, and retention neither."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def daily(edms):
    """Two backups of one configuration that keeps one of them."""
    options = ("--name", "daily", "--type", "FULL", "--frequency", "ON_DEMAND", "--max-backups", "2")
    edms.run("manage_backup_configs", "--create", *options)
    made = [edms.json("trigger_backup", "--config", "daily") for _ in range(2)]
    return edms, *made


def damage(edms, job):
    file = edms.storage / "repository" / "snapshots" / job["snapshot_id"]
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def trusts(edms):
    return [trust for (trust,) in edms.rows("SELECT trust FROM backup_backupjob WHERE snapshot_id <> '' ORDER BY id")]


@pytest.mark.parametrize("command", [("verify_backup", "latest"), ("restore_backup", "latest", "--dry-run")])
def test_every_reader_of_damage_marks_the_backup(daily, command):
    edms, _old, new = daily
    damage(edms, new)
    edms.run(*command, expect=1)
    assert trusts(edms) == ["VERIFIED", "DAMAGED"]
    health = json.loads(edms.run("backup_health", "--json", expect=None).stdout)
    assert "backup.W032" in {one["id"] for one in health["findings"]}
    # The one before it is what a restore would take now.
    assert edms.json("restore_backup", "latest", "--dry-run")["backup_job"] == _old["job"]


def test_the_next_backup_finds_it(daily):
    edms, _old, new = daily
    damage(edms, new)
    edms.json("trigger_backup", "--type", "FULL")
    assert trusts(edms) == ["VERIFIED", "DAMAGED", "VERIFIED"]


def test_retention_keeps_the_last_that_can_be_restored(daily):
    edms, old, new = daily
    damage(edms, new)
    edms.run("manage_backup_configs", "--edit", "daily", "--max-backups", "1")
    edms.run("backup_prune", "--force", expect=None)
    assert (edms.storage / "repository" / "snapshots" / old["snapshot_id"]).exists()
    assert edms.rows("SELECT count(*) FROM backup_backupjob WHERE removal_started_at IS NOT NULL") == [(0,)]
    edms.json("restore_backup", old["job"], "--yes", "--no-safety-backup")


def test_a_plan_says_no_where_a_pack_is_gone(daily):
    edms, _old, _new = daily
    packs = [path for path in (edms.storage / "repository" / "data").rglob("*") if path.is_file()]
    max(packs, key=lambda path: path.stat().st_size).unlink()
    plan = edms.json("restore_backup", "latest", "--dry-run", expect=1)
    assert any("content of this backup is lost: 1 packs" in reason for reason in plan["blocking"])
    assert set(trusts(edms)) == {"DAMAGED"}
