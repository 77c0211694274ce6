"""The verdict follows the storage: what is away protects nobody, is not damaged, and is not begun anew in silence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.backup.conftest import CHEAP, PASSPHRASE, Edms
from tests.backup.doctor.asking import ask

from strongroom.backends import LocalBackend
from strongroom.repository import Repository

NIGHTLY = ("--name", "nightly", "--type", "FULL", "--frequency", "DAILY", "--time", "02:00")
OF_THE_MACHINE = {"backup.W010", "backup.W011", "backup.W017"}


@pytest.fixture(scope="module")
def template(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a schedule, a good backup of it, and a cron that runs what is due."""
    edms = Edms.copied(migrated_home, tmp_path_factory.mktemp("protected") / "home")
    edms.have_repository()
    edms.run("manage_backup_configs", "--create", *NIGHTLY)
    edms.run("trigger_backup", "--config", "nightly")
    edms.run("backup_run_due")
    return edms.home


@pytest.fixture
def edms(template: Path, tmp_path: Path) -> Edms:
    """The same, protected, in a home of its own."""
    home = tmp_path / "home"
    shutil.copytree(template, home)
    return Edms(home, {"BACKUP_PASSWORD": PASSPHRASE})


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


def test_what_is_there_protects(edms):
    answer = ask(edms)
    assert answer.state == "PROTECTED"
    assert set(answer.findings) <= OF_THE_MACHINE
    assert answer.last_good["nightly"] is not None


@pytest.mark.parametrize("away", list(AWAY))
def test_a_storage_that_is_away_protects_nobody_and_is_not_begun_anew(edms, away):
    kept = edms.home / "elsewhere"
    edms.storage.rename(kept)
    AWAY[away](edms.storage)
    answer = ask(edms)
    assert (answer.state, answer.exit_code, answer.findings["backup.W026"]) == ("UNPROTECTED", 2, "CRITICAL")
    assert answer.last_good["nightly"] is None
    assert str(edms.storage) in answer.reason
    assert "--new-repository" in answer.hints["backup.W026"]
    before = sorted(edms.storage.rglob("*")) if edms.storage.exists() else []
    refused = edms.json("trigger_backup", "--config", "nightly", expect=10)
    assert refused["status"] == "FAILED"
    assert "manage.py trigger_backup --config nightly --new-repository" in refused["error"]
    planned = edms.json("trigger_backup", "--config", "nightly", "--dry-run", expect=10)
    assert "--new-repository" in planned["error"]
    if away != "not mounted":
        return
    # What a restore would take is not offered, and nothing is called damaged for being away.
    for command in (("restore_backup", "latest", "--dry-run"), ("verify_backup", "latest")):
        assert "is not where the ledger says" in edms.json(*command, expect=10)["error"]
    assert edms.rows("SELECT trust FROM backup_backupjob WHERE snapshot_id <> ''") == [("VERIFIED",)]
    lost = edms.json("backup_catalogue", "--rebuild", expect=1)
    assert "nightly" in lost["lost"][0]
    assert len(lost["missing"]) == 1
    # Retention takes none of it out of the ledger.
    edms.json("backup_prune", expect=10)
    assert edms.rows("SELECT count(*) FROM backup_backupjob WHERE removed_at IS NOT NULL") == [(0,)]
    after = sorted(path for path in edms.storage.rglob("*") if path.is_file() and "locks" not in path.parts)
    assert [path for path in after if path.name != ".repository.lock"] == [path for path in before if path.is_file()]
    # And when it is back, all is as it was.
    remove(edms.storage)
    kept.rename(edms.storage)
    assert ask(edms).state == "PROTECTED"


def test_a_new_repository_is_begun_with_a_yes_and_the_lost_ones_are_forgotten_with_another(edms):
    remove(edms.storage)
    made = edms.json("trigger_backup", "--config", "nightly", "--new-repository")
    assert made["status"] == "COMPLETED"
    answer = ask(edms)
    assert (answer.state, answer.findings["backup.W026"]) == ("PROTECTED", "WARNING")
    # From now on the schedule stores there by itself.
    assert edms.json("trigger_backup", "--config", "nightly")["status"] == "COMPLETED"
    assert edms.run("backup_catalogue", "--rebuild", "--forget-missing", expect=2).stderr.count("nightly-") == 1
    done = edms.json("backup_catalogue", "--rebuild", "--forget-missing", "--yes")
    assert len(done["forgotten"]) == 1
    assert "backup.W026" not in ask(edms).findings
    assert edms.rows("SELECT count(*), count(removed_at) FROM backup_backupjob") == [(3, 1)]


def test_the_old_repository_in_the_place_of_the_new_one_is_known(edms):
    old = edms.home / "old"
    edms.storage.rename(old)
    edms.run("trigger_backup", "--config", "nightly", "--new-repository")
    remove(edms.storage)
    old.rename(edms.storage)
    assert ask(edms).findings["backup.W026"] == "CRITICAL"
    assert edms.json("trigger_backup", "--config", "nightly")["status"] == "COMPLETED"
    assert ask(edms).findings["backup.W026"] == "WARNING"


def test_a_config_that_was_sealed_again_is_the_same_repository(edms):
    backend = LocalBackend(edms.storage / "repository")
    repository = Repository.open(backend, PASSPHRASE)
    from strongroom.format.config import encode_config

    (edms.storage / "repository" / "config").chmod(0o600)
    (edms.storage / "repository" / "config").write_bytes(repository.master.seal(encode_config(repository.config)))
    assert ask(edms).state == "PROTECTED"
    assert edms.json("trigger_backup", "--config", "nightly")["status"] == "COMPLETED"


@pytest.mark.parametrize(("kind", "state"), [("FULL", "UNPROTECTED"), ("DATABASE", "AT_RISK")])
def test_a_snapshot_that_has_vanished_is_noticed(edms, kind, state):
    edms.run("trigger_backup", "--type", "DATABASE")
    ((snapshot,),) = edms.rows(
        "SELECT snapshot_id FROM backup_backupjob WHERE backup_type = ? AND snapshot_id <> ''", kind
    )
    (edms.storage / "repository" / "snapshots" / snapshot).unlink()
    answer = ask(edms)
    assert (answer.state, answer.exit_code, answer.findings["backup.W027"]) == (state, 2, "CRITICAL")
    assert ("no good backup of the files" in answer.reason) is (kind == "FULL")
    assert (answer.last_good["nightly"] is None) is (kind == "FULL")
    # The newest that is there is offered, and what was passed over for it is said.
    assert ("is not there" in edms.run("verify_backup", "latest").stderr) is (kind == "DATABASE")
    done = edms.json("backup_catalogue", "--rebuild", "--forget-missing", "--yes")
    assert len(done["forgotten"]) == 1
    assert "backup.W027" not in edms.run("backup_health", expect=None).stdout


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_package_that_is_gone_or_cut_is_noticed(edms, harm):
    edms.run("manage_backup_configs", "--disable", "nightly")
    made = edms.json("trigger_backup", "--type", "EXPORT")
    remove(edms.storage / "repository" / "snapshots")
    edms.write(
        "UPDATE backup_backupjob SET removed_at = queued_at, removal_started_at = queued_at WHERE snapshot_id <> ''"
    )
    assert ask(edms).state == "AT_RISK"
    package = Path(made["backup_file_path"])
    whole = package.read_bytes()
    package.unlink()
    if harm == "cut":
        package.write_bytes(whole[:-1])
    answer = ask(edms)
    assert (answer.state, answer.exit_code, answer.findings["backup.W027"]) == ("UNPROTECTED", 2, "CRITICAL")
    if harm == "gone":
        refused = edms.json("verify_backup", made["job"], expect=10)
        assert "is not where the ledger says" in refused["error"]
        assert edms.rows("SELECT trust FROM backup_backupjob WHERE backup_file_path <> ''") == [("VERIFIED",)]
    package.write_bytes(whole)
    assert ask(edms).state == "AT_RISK"


def test_a_package_that_was_written_elsewhere_may_be_moved(edms, tmp_path):
    package = tmp_path / "taken-along.tar.gz"
    edms.run("trigger_backup", "--type", "EXPORT", "--output", str(package))
    package.unlink()
    answer = ask(edms)
    assert answer.state == "PROTECTED"
    assert set(answer.findings) <= OF_THE_MACHINE


def test_a_folder_that_goes_away_while_it_is_read_is_not_damaged(edms):
    done = edms.run("shell", "-v0", "-c", _AWAY_MEANWHILE, STORAGE=str(edms.storage))
    assert json.loads(done.stdout) == ["StorageAbsent", "VERIFIED"]


_AWAY_MEANWHILE = """
import json, os
from pathlib import Path
from apps.backup.models import BackupJob
from apps.backup.progress import Tracker
from apps.backup.references import resolve_backup
from apps.backup.verification import verify_backup
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


def test_rows_from_before_the_ids_are_judged_and_filled_in(edms):
    edms.write("UPDATE backup_storedrepository SET repository_id = '', config_digest = ''")
    assert ask(edms).state == "PROTECTED"
    kept = edms.home / "elsewhere"
    edms.storage.rename(kept)
    another_repository(edms.storage)
    assert ask(edms).state == "UNPROTECTED"
    edms.json("trigger_backup", "--config", "nightly", expect=10)
    remove(edms.storage)
    kept.rename(edms.storage)
    edms.run("trigger_backup", "--config", "nightly")
    ((number, digest),) = edms.rows("SELECT repository_id, config_digest FROM backup_storedrepository")
    assert number == Repository.open(LocalBackend(edms.storage / "repository"), PASSPHRASE).id
    assert len(digest) == 64
