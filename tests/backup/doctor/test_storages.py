"""The verdict follows the storage: a missing backup protects no data, is not damaged, and is not replaced silently."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.backup.testing.asking import ask
from tests.backup.testing.edms import CHEAP, PASSPHRASE

from strongroom.backends import LocalBackend
from strongroom.repository import Repository

OF_THE_MACHINE = {"backup.W010", "backup.W011", "backup.W017"}


def another_repository(storage: Path) -> None:
    storage.mkdir()
    Repository.init(LocalBackend(storage / "repository"), PASSPHRASE, cost=CHEAP)


def remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


AWAY: dict[str, Callable[[Path], None]] = {
    "gone": lambda storage: None,
    "not mounted": lambda storage: storage.mkdir(),
    "another repository": another_repository,
}


def test_present_backups_protect(protected):
    answer = ask(protected)
    assert answer.state == "PROTECTED"
    assert set(answer.findings) <= OF_THE_MACHINE
    assert answer.last_good["nightly"] is not None
    assert answer.missing == {""}


@pytest.mark.parametrize("away", list(AWAY))
def test_a_storage_that_is_away_protects_nobody_and_is_not_begun_anew(protected, away):
    kept = protected.home / "elsewhere"
    protected.storage.rename(kept)
    AWAY[away](protected.storage)
    answer = ask(protected)
    assert (answer.state, answer.exit_code, answer.findings["backup.W026"]) == ("UNPROTECTED", 2, "CRITICAL")
    assert answer.last_good["nightly"] is None
    assert str(protected.storage) in answer.reason
    assert len(answer.missing) == 1
    assert answer.missing != {""}
    assert "--new-repository" in answer.hints["backup.W026"]
    before = sorted(protected.storage.rglob("*")) if protected.storage.exists() else []
    refused = protected.json("trigger_backup", "--config", "nightly", expect=10)
    assert refused["status"] == "FAILED"
    assert "manage.py trigger_backup --config nightly --new-repository" in refused["error"]
    planned = protected.json("trigger_backup", "--config", "nightly", "--dry-run", expect=10)
    assert "--new-repository" in planned["error"]
    if away != "not mounted":
        return
    # Missing backups are not offered for a restore, and nothing is called damaged for being away.
    for command in (("restore_backup", "latest", "--dry-run"), ("verify_backup", "latest")):
        assert "cannot be used now" in protected.json(*command, expect=10)["error"]
    assert protected.rows("SELECT trust FROM backup_backupjob WHERE snapshot_id <> ''") == [("VERIFIED",)]
    lost = protected.json("backup_catalogue", "--rebuild", expect=1)
    assert "nightly" in lost["lost"][0]
    assert len(lost["missing"]) == 1
    # Retention takes none of it out of the catalogue.
    protected.json("backup_prune", expect=10)
    assert protected.rows("SELECT count(*) FROM backup_backupjob WHERE removed_at IS NOT NULL") == [(0,)]
    after = sorted(path for path in protected.storage.rglob("*") if path.is_file() and "locks" not in path.parts)
    assert [path for path in after if path.name != ".repository.lock"] == [path for path in before if path.is_file()]
    # And when it is back, all is as it was.
    remove(protected.storage)
    kept.rename(protected.storage)
    assert ask(protected).state == "PROTECTED"


def test_a_new_repository_is_begun_with_a_yes_and_the_lost_ones_are_forgotten_with_another(protected):
    remove(protected.storage)
    another_repository(protected.storage)
    made = protected.json("trigger_backup", "--config", "nightly", "--new-repository")
    assert made["status"] == "COMPLETED"
    answer = ask(protected)
    assert (answer.state, answer.findings["backup.W026"]) == ("PROTECTED", "WARNING")
    # From now on the schedule stores there by itself.
    assert protected.json("trigger_backup", "--config", "nightly")["status"] == "COMPLETED"
    assert protected.run("backup_catalogue", "--rebuild", "--forget-missing", expect=2).stderr.count("nightly-") == 1
    done = protected.json("backup_catalogue", "--rebuild", "--forget-missing", "--yes")
    assert len(done["forgotten"]) == 1
    assert "backup.W026" not in ask(protected).findings
    assert protected.rows("SELECT count(*), count(removed_at) FROM backup_backupjob") == [(3, 1)]


def test_the_old_repository_in_the_place_of_the_new_one_is_known(protected):
    old = protected.home / "old"
    protected.storage.rename(old)
    protected.run("trigger_backup", "--config", "nightly", "--new-repository")
    remove(protected.storage)
    old.rename(protected.storage)
    assert ask(protected).findings["backup.W026"] == "CRITICAL"
    assert protected.json("trigger_backup", "--config", "nightly")["status"] == "COMPLETED"
    assert ask(protected).findings["backup.W026"] == "WARNING"


def test_a_config_that_was_sealed_again_is_the_same_repository(protected):
    backend = LocalBackend(protected.storage / "repository")
    repository = Repository.open(backend, PASSPHRASE)
    from strongroom.format.config import encode_config

    (protected.storage / "repository" / "config").chmod(0o600)
    (protected.storage / "repository" / "config").write_bytes(repository.master.seal(encode_config(repository.config)))
    assert ask(protected).state == "PROTECTED"
    assert protected.json("trigger_backup", "--config", "nightly")["status"] == "COMPLETED"


@pytest.mark.parametrize(("kind", "state"), [("FULL", "UNPROTECTED"), ("DATABASE", "AT_RISK")])
def test_a_snapshot_that_has_vanished_is_noticed(protected, kind, state):
    protected.run("trigger_backup", "--type", "DATABASE")
    ((snapshot,),) = protected.rows(
        "SELECT snapshot_id FROM backup_backupjob WHERE backup_type = ? AND snapshot_id <> ''", kind
    )
    place = protected.storage / "repository" / "snapshots" / snapshot
    kept = place.rename(protected.home / "kept")
    answer = ask(protected)
    assert (answer.state, answer.exit_code, answer.findings["backup.W027"]) == (state, 2, "CRITICAL")
    assert ("no verified good backup of the files" in answer.reason) is (kind == "FULL")
    assert (answer.last_good["nightly"] is None) is (kind == "FULL")
    # The newest that is there is offered, and what was passed over for it is said.
    assert ("is not there" in protected.run("verify_backup", "latest").stderr) is (kind == "DATABASE")
    done = protected.json("backup_catalogue", "--rebuild", "--forget-missing", "--yes")
    assert len(done["forgotten"]) == 1
    assert "backup.W027" not in protected.run("backup_health", expect=None).stdout
    if kind == "FULL":
        # It was called lost by mistake: once it is there again, it is a backup again.
        kept.rename(place)
        assert len(protected.json("backup_catalogue", "--rebuild")["updated"]) == 1
        assert ask(protected).state == "PROTECTED"


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_package_that_is_gone_or_cut_is_noticed(protected, harm):
    protected.run("manage_backup_configs", "--disable", "nightly")
    made = protected.json("trigger_backup", "--type", "EXPORT")
    remove(protected.storage / "repository" / "snapshots")
    protected.write(
        "UPDATE backup_backupjob SET removed_at = queued_at, removal_started_at = queued_at WHERE snapshot_id <> ''"
    )
    assert ask(protected).state == "AT_RISK"
    package = Path(made["backup_file_path"])
    whole = package.read_bytes()
    package.unlink()
    if harm == "cut":
        package.write_bytes(whole[:-1])
    answer = ask(protected)
    assert (answer.state, answer.exit_code, answer.findings["backup.W027"]) == ("UNPROTECTED", 2, "CRITICAL")
    if harm == "gone":
        refused = protected.json("verify_backup", made["job"], expect=10)
        assert "cannot be used now" in refused["error"]
        assert protected.rows("SELECT trust FROM backup_backupjob WHERE backup_file_path <> ''") == [("VERIFIED",)]
    package.write_bytes(whole)
    assert ask(protected).state == "AT_RISK"


def test_a_package_that_was_written_elsewhere_may_be_moved(protected, tmp_path):
    package = tmp_path / "taken-along.tar.gz"
    protected.run("trigger_backup", "--type", "EXPORT", "--output", str(package))
    package.unlink()
    answer = ask(protected)
    assert answer.state == "PROTECTED"
    assert set(answer.findings) <= OF_THE_MACHINE


def test_a_folder_that_goes_away_while_it_is_read_is_not_damaged(protected):
    done = protected.run("shell", "-v0", "-c", _AWAY_MEANWHILE, STORAGE=str(protected.storage))
    assert json.loads(done.stdout) == ["StorageAbsent", "VERIFIED"]


_AWAY_MEANWHILE = """
import json, os
from pathlib import Path
from apps.backup.models import BackupJob
from apps.backup.core.progress import Tracker
from apps.backup.backups.resolve import resolve_backup
from apps.backup.backups.verify import verify_backup
repository, ref = Path(os.environ["STORAGE"]) / "repository", resolve_backup("latest")
def tick():
    if repository.exists():
        repository.rename(repository.with_name("away"))
try:
    said = verify_backup(ref, tracker=Tracker(), tick=tick).trust
except Exception as error:
    said = type(error).__name__
print(json.dumps([said, BackupJob.objects.get(uuid=ref.job).trust]))
"""


def test_rows_from_before_the_ids_are_judged_and_filled_in(protected):
    protected.write("UPDATE backup_storedrepository SET repository_id = '', config_digest = ''")
    assert ask(protected).state == "PROTECTED"
    kept = protected.home / "elsewhere"
    protected.storage.rename(kept)
    another_repository(protected.storage)
    assert ask(protected).state == "UNPROTECTED"
    protected.json("trigger_backup", "--config", "nightly", expect=10)
    remove(protected.storage)
    kept.rename(protected.storage)
    protected.run("trigger_backup", "--config", "nightly")
    ((number, digest),) = protected.rows("SELECT repository_id, config_digest FROM backup_storedrepository")
    assert number == Repository.open(LocalBackend(protected.storage / "repository"), PASSPHRASE).id
    assert len(digest) == 64
