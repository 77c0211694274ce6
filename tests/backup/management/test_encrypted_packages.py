"""Encrypted packages the whole way, as a user goes it: real processes, real databases, kills and full disks."""

import os
import shutil
import subprocess
import time

import pytest
from tests.backup.testing.edms import PASSPHRASE, Edms, kill
from tests.backup.testing.hosting import start_with_file_limit

WRONG = {"BACKUP_PASSWORD": "wrong"}


@pytest.fixture
def edms(new_edms: Edms) -> Edms:
    """An EDMS without a repository: packages need none."""
    return new_edms


def add_configuration(project, name, **values):
    script = (
        "from apps.backup.services.configurations import *\n"
        f"configuration_create(ConfigurationValues(name={name!r}, **{values!r}))"
    )
    project.run("shell", "-c", script)


def flip(path, place=None):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("fault", ["passphrase", "head", "middle", "end", "cut", "more", "plain"])
def test_faulty_packages_are_refused_before_live_changes(sqlite_host, tmp_path, fault):
    host = sqlite_host
    path = tmp_path / "out.tar.gz.gpg"
    job = host.json("trigger_backup", "--type", "EXPORT", "--output", str(path))["job"]
    changes = {}
    content = path.read_bytes()
    if fault == "passphrase":
        changes = WRONG
    elif fault == "cut":
        path.write_bytes(content[:-1])
    elif fault == "more":
        path.write_bytes(content + bytes(100))
    elif fault == "plain":
        plain = tmp_path / "plain.tar.gz"
        host.run("trigger_backup", "--type", "EXPORT", "--output", str(plain))
        plain.rename(path)
    else:
        flip(path, {"head": 10, "middle": None, "end": -1}[fault])
    rows, files = host.dump(), host.tree()
    code = 12 if fault in {"passphrase", "head"} else 1

    refused = host.run("restore_backup", str(path), "--yes", expect=code, **changes)
    verified = host.json("verify_backup", str(path), expect=code, **changes)

    said = {
        "passphrase": "wrong passphrase, or damaged",
        "head": "wrong passphrase, or damaged",
        "middle": "does not match its hash",
        "end": "does not match its hash",
        "cut": "is incomplete",
        "more": "after its end",
        "plain": "is not encrypted, although",
    }[fault]
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (host.dump(), host.tree(), host.leftovers()) == (rows, files, [])
    # A wrong passphrase proves no damage.
    trust = "VERIFIED" if code == 12 else "DAMAGED"
    script = f"from apps.backup.models import *; print(BackupJob.objects.get(uuid={job!r}).trust)"
    assert host.run("shell", "-c", script).stdout.split()[-1] == trust
    assert (said in verified["error"]) if code == 12 else (said in verified["findings"][0])


def test_to_a_folder(sqlite_host, tmp_path):
    path = tmp_path / "out.tar.gz.gpg"
    sqlite_host.json("trigger_backup", "--type", "FULL", "--output", str(path))
    sqlite_host.json("restore_backup", str(path), "--to-folder", str(tmp_path / "target"))
    media = tmp_path / "target/files/media"
    assert {str(one.relative_to(media)) for one in media.rglob("*")} == set(sqlite_host.tree())
    sqlite_host.run("restore_backup", str(path), "--to-folder", str(tmp_path / "other"), expect=12, **WRONG)
    flip(path)
    refused = sqlite_host.run("restore_backup", str(path), "--to-folder", str(tmp_path / "other"), expect=1)
    assert "does not match its hash" in refused.stderr
    assert not (tmp_path / "other").exists()


def test_package_names_decide_the_encryption(edms, tmp_path):
    plain, sealed = tmp_path / "a.tar.gz", tmp_path / "b.tar.gz.gpg"
    add_configuration(edms, "nightly")
    add_configuration(edms, "plain", encryption_enabled=False)
    # Word for word as it always was: plain, and said to be.
    assert "not encrypted" in edms.run("trigger_backup", "--type", "EXPORT", "--output", str(plain)).stderr
    assert plain.read_bytes()[:2] == b"\x1f\x8b"
    done = edms.run("trigger_backup", "--type", "EXPORT", "--output", str(sealed))
    assert "not encrypted" not in done.stderr
    assert sealed.read_bytes()[0] & 0x80
    for name in ("nightly", "plain"):
        out = tmp_path / f"{name}.tar.gz.gpg"
        edms.run("trigger_backup", "--config", name, "--output", str(out))
        assert out.read_bytes()[0] & 0x80
    unnamed = edms.json("trigger_backup", "--type", "EXPORT")
    assert unnamed["backup_file_path"].endswith(".tar.gz.gpg")
    unnamed = edms.json("trigger_backup", "--type", "EXPORT", "--no-encryption")
    assert unnamed["backup_file_path"].endswith(".tar.gz")
    refused = edms.run("trigger_backup", "--config", "nightly", "--output", str(tmp_path / "c.tar.gz"), expect=2)
    assert ".tar.gz.gpg" in refused.stderr
    refused = edms.run(
        "trigger_backup", "--type", "FULL", "--output", str(tmp_path / "c.tar.gz.gpg"), "--no-encryption", expect=2
    )
    assert "names an encrypted package" in refused.stderr
    plan = edms.json("trigger_backup", "--type", "EXPORT", "--dry-run")
    assert (plan["package"][-11:], plan["passphrase_source"]) == (".tar.gz.gpg", "BACKUP_PASSWORD")


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"BACKUP_PASSWORD": None}, "BACKUP_PASSWORD_FILE"), ({"BACKUP_PASSWORD": "two\nlines"}, "one line")],
)
def test_without_a_usable_passphrase_nothing_is_begun(edms, tmp_path, changes, said):
    path = tmp_path / "out.tar.gz.gpg"
    for more in (["--dry-run"], []):
        done = edms.run("trigger_backup", "--type", "EXPORT", "--output", str(path), *more, expect=1, **changes)
        assert said in done.stderr
        assert "two" not in done.stderr
    assert edms.rows("SELECT * FROM backup_backupjob") == []
    assert not path.exists()


def test_the_passphrase_shows_nowhere(edms, tmp_path):
    path = tmp_path / "out.tar.gz.gpg"
    seen = [edms.run("trigger_backup", "--type", "EXPORT", "--output", str(path))]
    seen += [edms.run("trigger_backup", "--type", "EXPORT", "--dry-run"), edms.run("verify_backup", str(path))]
    flip(path)
    seen += [edms.run("restore_backup", str(path), "--yes", "--traceback", expect=1)]
    seen += [edms.run("restore_backup", str(path), "--yes", "--traceback", expect=1, BACKUP_PASSWORD=PASSPHRASE * 2)]
    assert all(PASSPHRASE not in done.stdout + done.stderr for done in seen)
    assert PASSPHRASE.encode() not in edms.database.read_bytes()


def test_the_catalogue_finds_both_kinds_again(edms, migrated_home):
    made = [edms.json("trigger_backup", "--type", "EXPORT")]
    edms.add_files(1)
    made += [edms.json("trigger_backup", "--type", "EXPORT", "--no-encryption")]
    for rest in edms.home.glob("*.sqlite3*"):
        rest.unlink()
    shutil.copy(next(migrated_home.glob("*.sqlite3")), edms.home)
    for changes in ({"BACKUP_PASSWORD": None}, WRONG):
        report = edms.json("backup_catalogue", "--rebuild", expect=1, **changes)
        assert len(report["unreadable"]) == 1
        assert "passphrase" in report["unreadable"][0]
    report = edms.json("backup_catalogue", "--rebuild")
    assert (report["created"], report["unchanged"], report["unreadable"]) == ([made[0]["job"]], 1, [])
    for one in made:
        assert edms.json("verify_backup", one["job"])["trust"] == "VERIFIED"
        assert edms.json("trigger_backup", "--type", "FILES")["status"] == "COMPLETED"


def test_a_kill_leaves_nothing_under_the_final_name_and_nothing_readable(edms):
    marker = b"this must not be found in the clear. "
    for number in range(40):
        (edms.media / f"scan-{number}.txt").write_bytes(marker * 60_000)
    process = edms.start("trigger_backup", "--type", "EXPORT", "--no-compression")
    packages = edms.storage / "packages"
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 5_000_000 for path in packages.glob(".*.partial")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, (
            "Waited 60 seconds for 5 MB in a partial package; seen last: "
            f"{[(path.name, path.stat().st_size) for path in packages.glob('.*')]}"
        )
        time.sleep(0.01)
    kill(process)
    [left] = packages.iterdir()
    assert left.suffix == ".partial"
    assert all(marker not in path.read_bytes() for path in edms.storage.rglob("*") if path.is_file())
    assert "No backup matches" in edms.run("verify_backup", "latest", expect=1).stderr
    # It takes room until space is taken back, or the next package is made.
    os.utime(left, (0, 0))
    size = left.stat().st_size
    kept = shutil.copy2(left, edms.home)
    assert edms.json("backup_prune", "--force")["freed_bytes"] == size
    assert list(packages.iterdir()) == []
    shutil.copy2(kept, packages)
    done = edms.json("trigger_backup", "--type", "EXPORT")
    assert done["status"] == "COMPLETED"
    assert [str(path) for path in packages.iterdir()] == [done["backup_file_path"]]
    assert edms.json("verify_backup", "latest")["job"] == done["job"]
    assert [path.name for path in (edms.storage / "staging").iterdir()] == [".held"]


@pytest.mark.parametrize("name", ["../../outside/x", "/outside/x", "\U0001f5c4" * 100], ids=["up", "root", "long"])
def test_packages_of_any_configuration_name_are_in_the_storage(edms, name):
    (edms.home / "outside").mkdir()
    add_configuration(edms, name, backup_type="EXPORT")
    made = edms.json("trigger_backup", "--config", name)
    assert [str(path) for path in (edms.storage / "packages").iterdir()] == [made["backup_file_path"]]
    assert list((edms.home / "outside").iterdir()) == []
    assert edms.json("verify_backup", made["job"])["trust"] == "VERIFIED"


def test_a_full_disk_leaves_nothing(sqlite_host, tmp_path):
    (sqlite_host.media / "large.bin").write_bytes(os.urandom(3_000_000))
    result = start_with_file_limit(
        sqlite_host, 1500, "trigger_backup", "--type", "FILES", "--output", str(tmp_path / "p.tar.gz.gpg")
    )
    assert result.returncode == 1
    assert "no space" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.gpg
def test_without_our_software(sqlite_host, gpg, tmp_path):
    path = tmp_path / "out.tar.gz.gpg"
    sqlite_host.json("trigger_backup", "--type", "EXPORT", "--output", str(path))
    (tmp_path / "inside").mkdir()
    subprocess.run(["tar", "xz", "-C", str(tmp_path / "inside")], input=gpg.decrypt(path), check=True)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "inside", check=True)
    media = tmp_path / "inside/files/media"
    assert {str(one.relative_to(media)) for one in media.rglob("*")} == set(sqlite_host.tree())
