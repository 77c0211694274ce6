"""Packages as backups: what was stored beside the app's own manifest."""

import dataclasses
import datetime
import io
import os
import uuid

import msgspec
import pytest
from tests.backup.testing.edms import PASSPHRASE
from tests.backup.testing.hosting import Host, start_with_file_limit
from tests.backup.testing.rows import HOUR, backup

from apps.backup.backups.packages import verify_package
from apps.backup.backups.references import package_ref
from apps.backup.core.manifest import (
    FORMAT,
    FileRootRecord,
    JobFacts,
    Manifest,
    ManifestInvalid,
    ProjectFacts,
    ReferenceFacts,
    encode,
)
from apps.backup.restores.backup_source import open_origin
from strongroom.cli import main
from strongroom.entries import Folder, Stream
from strongroom.errors import PackageDamaged
from strongroom.packages import write_package

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
MANIFEST = Manifest(
    format=FORMAT,
    software="test",
    job=JobFacts(uuid=str(uuid.uuid4()), name="n", configuration="", type="EXPORT", started_at=NOW),
    cut_at=NOW,
    project=ProjectFacts(python="", django="", apps={}, code_migrations={}),
    secrets=[],
    databases=[],
    files=[FileRootRecord(name="media", path="/m", files=0, folders=0, others=0, bytes=0)],
    references=ReferenceFacts(fields=[], checked=0, missing=0, excluded=0, orphans=0, examples=[]),
    fact_files=[],
    problems=0,
)


def package(path, manifest, *, root=b"media"):
    entries = [
        Folder(b"files", [Folder(root, [])]),
        Stream(b"manifest.json", lambda: io.BytesIO(manifest)),
    ]
    write_package(path / "p.tar.gz", entries, mtime_ns=0)
    return path / "p.tar.gz"


def test_a_good_one(tmp_path):
    assert verify_package(package(tmp_path, encode(MANIFEST))) == []


def test_a_root_that_is_missing(tmp_path):
    [finding] = verify_package(package(tmp_path, encode(MANIFEST), root=b"other"))
    assert finding.startswith("files/media: it is in manifest.json")


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (encode(msgspec.structs.replace(MANIFEST, format=FORMAT + 1)), f"format {FORMAT + 1}"),
        (encode(MANIFEST).replace(b'"secrets"', b'"secrests"'), "secrests"),
        (b"{}", "format"),
        (b'{"format": 1, "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "recursion"),
    ],
)
def test_a_manifest_that_is_not_ours(tmp_path, manifest, said):
    with pytest.raises(ManifestInvalid, match=said):
        verify_package(package(tmp_path, manifest))


def test_damage_is_a_finding(tmp_path):
    path = package(tmp_path, encode(MANIFEST))
    path.write_bytes(path.read_bytes()[:-30])
    assert len(verify_package(path)) == 1


@pytest.mark.django_db
def test_a_restore_that_meets_damage_makes_the_backup_damaged(tmp_path):
    path = package(tmp_path, encode(MANIFEST))
    job = backup(None, HOUR, backup_type="EXPORT", snapshot_id="", backup_file_path=str(path))
    with open_origin(package_ref(path)) as origin:
        assert origin.manifest == MANIFEST
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(PackageDamaged), open_origin(package_ref(path)):
        pass
    job.refresh_from_db()
    assert job.trust == "DAMAGED"


def test_a_full_disk_leaves_nothing(sqlite_host: Host, tmp_path):
    (sqlite_host.media / "large.bin").write_bytes(os.urandom(3_000_000))
    result = start_with_file_limit(
        sqlite_host, 1500, "trigger_backup", "--type", "FILES", "--output", str(tmp_path / "p.tar.gz")
    )
    assert result.returncode == 1
    assert "no space" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_the_engine_alone_verifies_and_unpacks_what_a_job_wrote(sqlite_host: Host, tmp_path, monkeypatch, capsys):
    path = tmp_path / "p.tar.gz.gpg"
    sqlite_host.json("trigger_backup", "--type", "EXPORT", "--output", str(path))
    monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE)
    assert main(["package", "verify", str(path)]) == 0
    assert main(["package", "list", str(path)]) == 0
    listed = capsys.readouterr().out
    assert "data default: " in listed
    assert "files media: " in listed
    assert main(["package", "unpack", str(path), "--target", str(tmp_path / "media"), "--path", "files/media"]) == 0
    assert dataclasses.replace(sqlite_host, home=tmp_path).tree() == sqlite_host.tree()
