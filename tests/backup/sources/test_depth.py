"""Folders inside folders, through whole backups."""

from pathlib import Path

LEVELS = 400


def deepest(top: Path) -> Path:
    return top / "/".join("d" * LEVELS)


def test_a_deep_tree_is_backed_up_and_restored(edms, tmp_path):
    edms.have_repository()
    deepest(edms.media).mkdir(parents=True)
    (deepest(edms.media) / "paper").write_bytes(b"deep down")
    made = edms.json("trigger_backup", "--type", "FILES")
    assert made["status"] == "COMPLETED"
    assert edms.json("verify_backup", made["job"])["trust"] == "VERIFIED"
    edms.run("restore_backup", made["job"], "--to-folder", str(tmp_path / "target"), "--yes")
    assert (deepest(tmp_path / "target/files/media") / "paper").read_bytes() == b"deep down"


def test_a_tree_too_deep_for_a_package_is_named_and_the_rest_is_exported(edms):
    deepest(edms.media).mkdir(parents=True)
    with (edms.media / "sparse").open("wb") as file:
        file.truncate(3 << 40)
    made = edms.json("trigger_backup", "--type", "EXPORT", expect=None)
    assert made["status"] == "INCOMPLETE"
    ((reasons,),) = edms.rows("SELECT problems FROM backup_backupjob")
    assert "is too deep" in reasons
    assert "mostly holes" in reasons
    assert edms.json("verify_backup", made["job"])["trust"] == "VERIFIED"
