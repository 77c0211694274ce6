"""Nothing is served by a system that a kill has left with a database of one day and files of another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from tests.backup.testing.edms import Edms, kill
from tests.backup.testing.serving import serving, wait_until

from apps.backup.restores.engines.files.exchange import FORWARD

RESTORE = "12345678-1234-4234-8234-123456789abc"


def cut_off_a_restore(new_edms: Edms) -> None:
    """Leave what a kill leaves after the database is live, and before the folder is."""
    staged = new_edms.home / ".media.edms-restore-12345678.new"
    staged.mkdir()
    (staged / "restored.txt").write_text("as it was backed up")
    os.setxattr(staged, "user.edms_backup.restored", RESTORE.encode())
    component = {
        "kind": "folder",
        "name": "media",
        "live": str(new_edms.media),
        "staged": str(staged),
        "kept": str(staged.with_suffix(".old")),
        "had_live": True,
        "step": FORWARD,
    }
    journal = {
        "restore": RESTORE,
        "backup": "a backup",
        "backup_job": None,
        "restore_type": "FULL_RESTORE",
        "state": "swapping",
        "created_at": "2026-01-01T00:00:00Z",
        "components": [component],
        "carried_ledger": True,
    }
    folder = new_edms.storage / "restores"
    folder.mkdir(mode=0o700, parents=True)
    (folder / f"{RESTORE}.json").write_text(json.dumps(journal))


@pytest.fixture
def mixed(new_edms: Edms) -> Iterator[Edms]:
    cut_off_a_restore(new_edms)
    assert not is_completed(new_edms)
    yield new_edms
    assert is_completed(new_edms)
    kept = new_edms.home / ".media.edms-restore-12345678.old"
    assert (kept / "papers").is_dir()
    assert os.listxattr(new_edms.media) == os.listxattr(kept) == []


def is_completed(edms: Edms) -> bool:
    state = json.loads((edms.storage / "restores" / f"{RESTORE}.json").read_text())["state"]
    return (edms.media / "restored.txt").exists() and state == "finished"


@pytest.mark.parametrize("command", [("migrate",), ("check",), ("verify_documents",), ("import_documents", "empty")])
def test_commands_with_checks_complete_it(mixed, command, tmp_path):
    (tmp_path / "empty").mkdir()
    command = [str(tmp_path / word) if word == "empty" else word for word in command]
    # The restored files here are no documents.
    ends = 1 if command[0] == "verify_documents" else 0
    done = mixed.run(*command, expect=ends)
    assert "was cut off in the middle; it was completed" in " ".join(done.stderr.split())
    assert is_completed(mixed)
    assert "cut off" not in mixed.run(*command, expect=ends).stderr


def test_migrate_refuses_where_it_cannot_be_completed(mixed):
    in_the_way = mixed.storage / "restores" / f"{RESTORE}.new"
    in_the_way.mkdir()
    done = mixed.run("migrate", expect=1, BACKUP_FALLBACK_ROOT=str(mixed.database / "no folder"))
    assert "(backup.W005) A restore was interrupted during its swap. The journal" in done.stderr
    assert "restore_backup --list" in done.stderr
    in_the_way.rmdir()
    mixed.run("restore_backup", "--list")


@pytest.mark.parametrize("kind", ["uvicorn", "gunicorn"])
def test_a_request_completes_it_before_it_is_answered(mixed, kind):
    with serving(mixed, kind, "") as server:
        server.get("system/status/")
        assert is_completed(mixed)


def test_an_agent_completes_it_within_seconds(new_edms):
    agent = new_edms.start("backup_agent")
    wait_until(lambda: new_edms.rows("SELECT 1 FROM backup_executor"))
    cut_off_a_restore(new_edms)
    wait_until(lambda: is_completed(new_edms), seconds=10)
    kill(agent)
