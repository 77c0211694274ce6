"""A damaged repository: every backup that needs the damage is doubted, the next backup heals, restic agrees."""

import re
from pathlib import Path

import pytest
from tests.backup.testing.asking import ask
from tests.backup.testing.edms import Edms
from tests.backup.testing.homes import create, opened, packs, restic, stored, trigger

from strongroom.format.index import decode_index
from strongroom.ids import BlobKind, FileKind, blob_id
from strongroom.prune import forget
from strongroom.repair import plan_packs, plan_snapshots, repair_packs, repair_snapshots

pytestmark = pytest.mark.restic


def pack_with(edms: Edms, kind: BlobKind = BlobKind.DATA) -> Path:
    """The largest pack with blobs of that kind."""
    repository = opened(edms)
    names = {
        pack
        for index in repository.backend.list_files(FileKind.INDEX)
        for pack, blobs in decode_index(repository.load_file(FileKind.INDEX, index.name))
        if blobs[0].kind is kind
    }
    return max((path for path in packs(edms) if path.name in names), key=lambda path: path.stat().st_size)


def flip(path: Path, position: int = 40) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.chmod(0o600)
    path.write_bytes(data)


def flip_blob(edms: Edms, content: bytes) -> None:
    """Damage what is stored of this content."""
    [(pack, blob)] = opened(edms).load_index().find(BlobKind.DATA, blob_id(content))
    flip(next(path for path in packs(edms) if path.name == pack), blob.offset + 20)


def trusts(edms: Edms) -> list[str]:
    return [trust for (trust,) in edms.rows("SELECT trust FROM backup_backupjob ORDER BY id")]


def found(edms: Edms) -> dict[str, str]:
    """The findings about damage, by their ids."""
    health = edms.json("backup_health", expect=None)
    wanted = ("backup.W030", "backup.W031", "backup.W032")
    return {one["id"]: one["severity"] for one in health["findings"] if one["id"] in wanted}


def test_damage_casts_doubt_on_every_backup_and_the_next_one_heals_them(edms):
    create(edms)
    first, second = trigger(edms), trigger(edms)
    flip(pack_with(edms))
    assert edms.json("verify_backup", second["job"], expect=1)["trust"] == "DAMAGED"
    assert trusts(edms) == ["DAMAGED", "DAMAGED"]
    health = edms.json("backup_health", expect=None)
    assert health["verdict"]["state"] != "PROTECTED"
    assert found(edms) == {"backup.W030": "CRITICAL"}
    log = edms.json("backup_jobs", "--show", first["job"])["log"]
    assert "DAMAGED: it needs content that was found damaged" in log[-1]["text"]
    third = trigger(edms)
    assert third["status"] == "COMPLETED"
    # Those that were doubted are verified again, and the index names the damaged pack no more.
    assert trusts(edms) == ["VERIFIED", "VERIFIED", "VERIFIED"]
    assert found(edms) == {}
    assert stored(edms) == {one["snapshot_id"] for one in (first, second, third)}
    assert edms.json("verify_backup", first["job"])["trust"] == "VERIFIED"


@pytest.mark.parametrize("damage", ["flip", "header", "truncate"])
def test_a_backup_that_meets_damage_stores_again_and_succeeds(edms, damage):
    create(edms)
    first = trigger(edms)
    pack = pack_with(edms)
    if damage == "truncate":
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:-100])
    else:
        flip(pack, 40 if damage == "flip" else -30)
    second = trigger(edms)
    assert second["status"] == "COMPLETED"
    told = [text for text in second["warnings"] if re.search("stored again|stored anew|of them again", text)]
    # A damaged header costs nothing: the index tells where the blobs are.
    assert bool(told) == (damage != "header")
    assert trusts(edms) == ["VERIFIED", "VERIFIED"]
    assert found(edms) == {}
    assert stored(edms) == {first["snapshot_id"], second["snapshot_id"]}


def test_a_missing_pack_is_made_up_for_as_far_as_the_source_goes(edms):
    create(edms)
    first = trigger(edms)
    pack_with(edms).unlink()
    second = trigger(edms)
    assert second["status"] == "COMPLETED"
    assert any("missing or have a wrong size" in text for text in second["warnings"])
    # The first one's manifest was in that pack, and in no source any more.
    assert trusts(edms) == ["DAMAGED", "VERIFIED"]
    assert found(edms) == {"backup.W030": "CRITICAL"}
    edms.run("backup_jobs", "--remove", first["job"], "--yes")
    third = trigger(edms)
    assert found(edms) == {}
    assert stored(edms) == {one["snapshot_id"] for one in (second, third)}


def test_content_missing_from_the_source_stays_lost(edms, tmp_path):
    create(edms)
    first = trigger(edms)
    pack = pack_with(edms)
    for path in edms.media.rglob("*.bin"):
        path.unlink()
    edms.add_files(3, folder="later")
    second = trigger(edms)
    flip(pack)
    # A restore meets the damage.
    edms.run("restore_backup", first["job"], "--to-folder", str(tmp_path / "target"), "--yes", expect=1)
    assert trusts(edms) == ["DAMAGED", "VERIFIED"]
    assert edms.rows("SELECT found_by FROM backup_repositorydamage") == [("RESTORE",)]
    assert found(edms) == {"backup.W030": "CRITICAL"}
    # Another, intact backup can be restored, and the next one is whole.
    third = trigger(edms)
    assert third["status"] == "COMPLETED"
    assert trusts(edms) == ["DAMAGED", "VERIFIED", "VERIFIED"]
    edms.run("restore_backup", second["job"], "--to-folder", str(tmp_path / "other"), "--yes")
    # With the damaged backup gone nothing needs the damage any more.
    edms.run("backup_jobs", "--remove", first["job"], "--yes")
    trigger(edms)
    assert found(edms) == {}
    restic(edms, "check", "--read-data")


def test_a_damaged_index_is_a_finding_and_no_more(edms):
    create(edms)
    trigger(edms)
    [index] = (edms.storage / "repository" / "index").iterdir()
    flip(index, 60)
    second = trigger(edms)
    assert second["status"] == "COMPLETED"
    assert any("repair index" in text for text in second["warnings"])
    assert found(edms) == {"backup.W032": "WARNING"}
    flip(index, 60)
    trigger(edms)
    assert found(edms) == {}


def test_a_damaged_old_snapshot_keeps_no_incremental_backup_from_being_made(edms):
    create(edms, type="INCREMENTAL")
    first, second = trigger(edms), trigger(edms)
    path = edms.storage / "repository" / "snapshots" / first["snapshot_id"]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:50])
    third = trigger(edms)
    assert third["status"] == "COMPLETED"
    assert edms.json("trigger_backup", "--config", "nightly", "--dry-run")["parent"] == third["snapshot_id"]
    assert found(edms) == {"backup.W032": "WARNING"}
    assert "repair snapshots --forget" in edms.run("backup_prune", "--force", expect=1).stdout
    assert edms.json("verify_backup", second["job"])["trust"] == "VERIFIED"


def test_the_live_system_can_be_restored_although_backups_are_damaged(edms):
    create(edms, type="FULL")
    first = trigger(edms)
    paper = next(iter(edms.media.rglob("*.bin")))
    edms.add_files(2, folder="more")
    second = trigger(edms)
    flip_blob(edms, paper.read_bytes())
    assert edms.json("verify_backup", first["job"], expect=1)["trust"] == "DAMAGED"
    # The safety backup stores again what is damaged, and with it what is restored is whole again.
    edms.run("restore_backup", second["job"], "--yes")
    assert set(trusts(edms)) == {"VERIFIED"}
    assert found(edms) == {"backup.W031": "WARNING"}
    trigger(edms)
    assert found(edms) == {}
    stored(edms)


def test_a_repaired_backup_is_incomplete_for_whoever_finds_it_in_the_storage(edms):
    create(edms)
    job = trigger(edms)
    flip_blob(edms, next(edms.media.rglob("*.bin")).read_bytes())
    repository = opened(edms)
    with repository.lock(exclusive=True) as lock:
        repair_packs(repository, plan_packs(repository), lock)
        ((original, repaired),) = repair_snapshots(repository, plan_snapshots(repository), lock).repaired.items()
    state = "SELECT snapshot_id, status, trust, problem_count FROM backup_backupjob"
    # The catalogue has the original, and keeps it.
    known = edms.json("backup_catalogue", "--rebuild")
    kept = edms.rows(state)
    # The original has gone since: what is left of it takes its place.
    with repository.lock(exclusive=True) as lock:
        forget(repository, [original], lock)
    renewed = edms.json("backup_catalogue", "--rebuild")
    after = edms.rows(state)
    # Without the catalogue: all of it was read, and what was lost is missing in it.
    edms.write("ALTER TABLE backup_backupjob RENAME TO away")
    found = edms.run("restore_backup", "latest", "--dry-run", "--only", "files", expect=None)

    assert kept == [(original, "COMPLETED", "DAMAGED", 0)]
    assert [text for text in known["spare"] if repaired[:8] in text]
    assert renewed["updated"] == [job["job"]]
    assert after == [(repaired, "INCOMPLETE", "STORED", 1)]
    assert "is INCOMPLETE (1 problems)" in " ".join((found.stdout + found.stderr).split())


@pytest.mark.parametrize("harm", ["pack", "cut", "index"])
def test_lost_packs_are_seen_without_reading_back(edms, harm):
    create(edms)
    trigger(edms)
    trigger(edms)
    assert ask(edms).findings.get("backup.W030") is None
    lost = pack_with(edms) if harm != "index" else next((edms.storage / "repository" / "index").iterdir())
    whole = lost.read_bytes()
    lost.unlink()
    if harm == "cut":
        # Without its last byte a pack has lost its own list alone.
        lost.write_bytes(whole[:-1])
        answer = ask(edms)
        assert answer.findings["backup.W031"] == "WARNING"
        assert "backup.W030" not in answer.findings
        assert any("No backup needs the damaged data" in text for text in answer.open)
        lost.write_bytes(whole[: len(whole) // 2])
    answer = ask(edms)
    assert answer.findings["backup.W030"] == "CRITICAL"
    assert answer.state == "UNPROTECTED"
    assert "DAMAGED" in trusts(edms)
    assert ("strongroom repair index" in answer.hints["backup.W030"]) is (harm == "index")
    if harm == "pack":
        assert trusts(edms) == ["DAMAGED", "DAMAGED"]
        assert edms.rows("SELECT found_by FROM backup_repositorydamage") == [("HEALTH",)]
    lost.unlink(missing_ok=True)
    lost.write_bytes(whole)
    assert "backup.W030" not in ask(edms).findings
    assert trusts(edms) == ["VERIFIED", "VERIFIED"]


def test_a_repository_that_nobody_looks_at_is_a_warning(edms):
    create(edms)
    trigger(edms)
    edms.run("backup_health", expect=None)
    seen = edms.rows("SELECT packs_listing FROM backup_storedrepository")
    edms.write("UPDATE backup_storedrepository SET packs_seen_at = datetime('now', '-2 days')")
    assert "backup.W041" not in ask(edms).findings
    # A key that opens nothing keeps it from being compared, once anything has changed.
    edms.write(
        "UPDATE backup_storedrepository SET packs_seen_at = datetime('now', '-2 days'), packs_listing = 'another'"
    )
    assert ask(edms, BACKUP_PASSWORD="another").findings["backup.W041"] == "WARNING"
    assert "backup.W041" not in ask(edms).findings
    assert edms.rows("SELECT packs_listing FROM backup_storedrepository") == seen
