"""Uploads of packages over HTTP: in pieces, by one user, and refused if they are not valid."""

from __future__ import annotations

import base64
import fcntl
import io
import os
import shutil
import uuid
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from django.utils import timezone
from tests.backup.testing.stored_backup import MANIFEST, ROOT
from tests.engine.packages.test_hostile import EVIL, LISTED, inside, write
from tests.engine.packages.test_hostile import file as member

from apps.backup.core.manifest import FileRootRecord, SecretFingerprint, encode
from apps.backup.core.permissions import Right
from apps.backup.models import AuditEvent, BackupConfiguration, BackupJob, Operation, Upload
from apps.backup.policies.restore_request import RestoreRequest
from apps.backup.services.uploads import uploads_expire
from apps.backup.sources.project_facts import fingerprint
from apps.backup.storage import upload_files as uploads
from strongroom.entries import Folder, Stream
from strongroom.packages import reader, write_package

LIST = f"{ROOT}uploads/"
BYTES = "application/offset+octet-stream"


@pytest.fixture
def storage(settings, tmp_path) -> Path:
    settings.BACKUP_STORAGE_ROOT = tmp_path / "backups"
    settings.BACKUP_EXECUTOR = "inline"
    return tmp_path / "backups"


def begin(client, content: bytes | int, *, name: str = "out.tar.gz", expect: int = 201):
    size = content if isinstance(content, int) else len(content)
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    answer = client.post(LIST, headers={"Upload-Length": str(size), "Upload-Metadata": metadata})
    assert answer.status_code == expect, answer.content
    return answer


def add(client, where: str, content: bytes, offset: int):
    return client.generic("PATCH", where, content, BYTES, headers={"Upload-Offset": str(offset)})


def send(client, content: bytes, **values) -> str:
    made = begin(client, content, **values)
    assert add(client, made["Location"], content, 0).status_code == 204
    return made.json()["uuid"]


def part(storage: Path, made) -> Path:
    return storage / "uploads" / f"{made.json()['uuid']}.part"


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.django_db
class TestPieceByPiece:
    @pytest.fixture(autouse=True)
    def storing(self, storage):
        self.storage = storage

    def test_begun_added_to_looked_at_and_given_up(self, admin):
        content = os.urandom(300_000)
        made = begin(admin, content, name="C:\\folders\\weekly.tar.gz")
        where, file = made["Location"], part(self.storage, made)
        assert (made["Tus-Resumable"], made.json()["name"]) == ("1.0.0", "weekly.tar.gz")
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert add(admin, where, content[:100_000], 0)["Upload-Offset"] == "100000"
        looked = admin.head(where)
        assert (looked.status_code, looked["Upload-Offset"], looked["Upload-Length"]) == (200, "100000", "300000")
        assert looked["Cache-Control"] == "no-store"
        for wrong in (0, 99_999, 100_001):
            assert add(admin, where, content[wrong:], wrong).status_code == 409
        assert file.read_bytes() == content[:100_000]
        assert add(admin, where, content[100_000:], 100_000)["Upload-Offset"] == "300000"
        assert file.read_bytes() == content
        assert admin.get(LIST).json()["results"] == [{**made.json(), "offset": 300_000}]
        assert admin.delete(where).status_code == 204
        assert (admin.head(where).status_code, file.exists(), Upload.objects.count()) == (404, False, 0)
        assert list(AuditEvent.objects.values_list("action", flat=True)) == ["upload.create", "upload.delete"]

    def test_more_than_was_said_is_left_out(self, admin):
        made = begin(admin, 10)
        assert add(admin, made["Location"], bytes(11), 0).status_code == 409
        assert part(self.storage, made).stat().st_size == 10

    def test_is_nobody_else_s(self, admin, client_of):
        made = begin(admin, b"hello")
        other = client_of(Right.RESTORE)
        where = made["Location"]
        assert [other.head(where).status_code, other.delete(where).status_code] == [404, 404]
        assert add(other, where, b"hello", 0).status_code == 404
        assert other.get(LIST).json()["results"] == []
        add(admin, where, b"hello", 0)
        asked = {"upload": made.json()["uuid"], "target": "folder", "name": "x"}
        assert other.post(f"{ROOT}restores/", asked, "json").status_code == 404
        assert other.post(f"{ROOT}restore_from_file/", asked, "json").status_code == 404
        assert Operation.objects.count() == 0

    def test_two_at_once_do_not_mix(self, admin):
        made = begin(admin, b"hello")
        with part(self.storage, made).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            answer = add(admin, made["Location"], b"hello", 0)
        assert (answer.status_code, answer["Retry-After"]) == (423, "5")
        assert add(admin, made["Location"], b"hello", 0).status_code == 204

    def test_a_link_in_its_place_is_not_followed(self, admin, tmp_path):
        made = begin(admin, b"hello")
        target = tmp_path / "precious"
        target.write_bytes(b"")
        part(self.storage, made).unlink()
        part(self.storage, made).symlink_to(target)
        answer = add(admin, made["Location"], b"hello", 0)
        assert answer.status_code >= 400
        assert target.read_bytes() == b""

    def test_uploads_without_space_or_too_large_are_refused(self, admin, settings):
        settings.BACKUP_UPLOAD_MAX_BYTES = 10**17
        for size, expected in ((10**17 + 1, 400), (0, 400), (10**16, 507)):
            answer = begin(admin, size, expect=expected)
        assert " stay free for the next backups. Make room" in answer.json()["detail"]
        assert Upload.objects.count() == 0
        assert list(self.storage.rglob("*.part")) == []

    def test_uploads_leave_space_for_the_next_backups(self, admin):
        free = shutil.disk_usage(self.storage.parent).free
        values = {"name": "nightly", "backup_type": "FULL", "next_slot": timezone.now()}
        nightly = BackupConfiguration.objects.create(**values)
        job = BackupJob(configuration=nightly, job_name="last", backup_type="FULL", status="COMPLETED")
        job.stored_size = free
        job.save()
        assert begin(admin, 1 << 20, expect=507).json()["detail"].count("stay free for the next backups") == 1
        BackupConfiguration.objects.update(is_enabled=False)
        begin(admin, 1 << 20)

    def test_one_person_sends_no_more_than_the_largest_package(self, admin, client_of, settings):
        settings.BACKUP_UPLOAD_MAX_BYTES = 1000
        begin(admin, 600)
        assert "may have 1,000 bytes together and have 600" in begin(admin, 500, expect=507).json()["detail"]
        begin(admin, 400)
        begin(client_of(Right.RESTORE), 900)

    def test_one_begins_after_the_other(self, admin, monkeypatch):
        """Two that begin at once would be promised the same room."""
        monkeypatch.setattr(uploads, "_PATIENCE", 0.05)
        with uploads.upload_start_lock():
            answer = begin(admin, 5, expect=503)
        assert "another process has held the lock" in answer.json()["detail"]
        assert (answer["Retry-After"], Upload.objects.count(), list(self.storage.rglob("*.part"))) == ("5", 0, [])
        begin(admin, 5)

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Upload-Metadata": "filename YQ=="}, 400),
            ({"Upload-Length": "-1", "Upload-Metadata": "filename YQ=="}, 400),
            ({"Upload-Length": "1"}, 400),
            ({"Upload-Length": "1", "Upload-Metadata": "filename !"}, 400),
            ({"Upload-Length": "1", "Upload-Metadata": "filename YQ==", "Tus-Resumable": "0.2"}, 412),
        ],
    )
    def test_wrong_upload_headers_are_refused(self, admin, headers, status):
        answer = admin.post(LIST, headers=headers)
        assert (answer.status_code, answer["Tus-Resumable"]) == (status, "1.0.0")

    def test_of_another_type(self, admin):
        made = begin(admin, b"hello")
        answer = admin.patch(made["Location"], {"a": 1}, "json", headers={"Upload-Offset": "0"})
        assert answer.status_code == 415

    def test_upload_options_are_announced(self, admin):
        answer = admin.options(LIST)
        assert (answer.status_code, answer["Tus-Extension"]) == (204, "creation,termination")

    def test_silent_for_a_day_it_is_forgotten_unless_it_is_needed(self, admin):
        send(admin, b"forgotten")
        needed = send(admin, b"needed", name="needed")
        stray = self.storage / "uploads/00000000-0000-4000-8000-000000000000.part"
        stray.write_bytes(b"of a catalogue that is gone")
        Operation.objects.create(kind="RESTORE", arguments={"upload": needed})
        uploads_expire(now=timezone.now() + timedelta(hours=23))
        assert Upload.objects.count() == 2
        uploads_expire(now=timezone.now() + timedelta(hours=25))
        assert [row.name for row in Upload.objects.all()] == ["needed"]
        assert [file.name for file in self.storage.rglob("*.part")] == [f"{needed}.part"]
        assert admin.delete(f"{LIST}{needed}/").status_code == 409

    def test_uploads_without_their_file_are_forgotten(self, admin):
        made = begin(admin, b"hello")
        part(self.storage, made).unlink()
        assert [row["offset"] for row in admin.get(LIST).json()["results"]] == [0]
        assert add(admin, made["Location"], b"hello", 0).status_code == 404
        uploads_expire(now=timezone.now() + timedelta(hours=25))
        assert Upload.objects.count() == 0

    @pytest.mark.parametrize("right", [*Right, None])
    def test_each_right_by_itself(self, right, client_of):
        client = client_of(*([right] if right else []))
        begin(client, b"hello", expect=201 if right is Right.RESTORE else 403)
        assert client.post(f"{ROOT}restore_from_file/", {}, "json").status_code == (
            400 if right is Right.RESTORE else 403
        )

    @pytest.mark.parametrize("evil", [*EVIL, "bomb"])
    def test_evil_is_refused_and_nothing_is_left_of_it(self, admin, evil, tmp_path, monkeypatch):
        if evil == "bomb":
            monkeypatch.setattr(reader, "FREE", 1_000_000)
        bomb = (inside(member("files/media/b", bytes(3_000_000))), "more than 250 times its size")
        members, said = EVIL.get(evil, bomb)
        listed = member("SHA256SUMS", LISTED[evil]) if evil in LISTED else None
        content = write(tmp_path / "p.tar.gz", members, listed=listed).read_bytes()
        before = everything(tmp_path)
        answer = admin.post(
            f"{ROOT}restore_from_file/",
            {"file": io.BytesIO(content), "target": "folder", "name": "evil"},
            "multipart",
        )
        assert answer.status_code == 201, answer.content
        operation = answer.json()["operation"]
        assert (operation["status"], answer.json()["restore"]["status"]) == ("FAILED", "FAILED")
        assert said in operation["error_message"]
        new = everything(tmp_path) - before
        assert {path for path in new if path.is_file()} == set(self.storage.glob("uploads/*.part"))

    def test_one_that_is_not_there_whole_is_not_restored(self, admin):
        made = begin(admin, b"hello")
        add(admin, made["Location"], b"hel", 0)
        asked = {"upload": made.json()["uuid"], "target": "folder", "name": "x"}
        answer = admin.post(f"{ROOT}restore_from_file/", asked, "json")
        assert answer.status_code == 409
        assert "3 of 5 bytes" in answer.json()["detail"]

    @pytest.mark.parametrize(("length", "status"), [("abc", 400), ("-5", 400), ("9" * 5000, 413), ("9" * 19, 413)])
    def test_an_odd_length_is_the_client_s_fault(self, admin, length, status):
        answer = admin.generic("POST", f"{ROOT}restore_from_file/", b"{}", "application/json", CONTENT_LENGTH=length)
        assert answer.status_code == status

    def test_a_form_that_is_refused_leaves_no_upload(self, admin):
        asked = {"file": io.BytesIO(b"x"), "target": "live", "confirm": "another name"}
        assert admin.post(f"{ROOT}restore_from_file/", asked, "multipart").status_code == 400
        assert list(self.storage.rglob("*.part")) == []

    def test_a_form_leaves_out_what_it_leaves_out(self, admin):
        asked = {"file": io.BytesIO(b"x"), "target": "folder", "name": "x"}
        admin.post(f"{ROOT}restore_from_file/", asked, "multipart")
        arguments = Operation.objects.get().arguments
        assert (arguments["safety_backup"], arguments["drop_access"]) == (True, None)

    def test_a_form_says_that_sessions_are_removed(self, admin):
        asked = {"file": io.BytesIO(b"x"), "target": "live", "confirm": "x", "drop_access": "true"}
        asked["file"].name = "x"
        assert admin.post(f"{ROOT}restore_from_file/", asked, "multipart").status_code == 201
        assert Operation.objects.get().arguments["drop_access"] is True

    @pytest.mark.parametrize("name", ["BACKUP_PASSWORD", "DATABASES", "NO_SUCH_THING"])
    def test_uploaded_packages_do_not_test_passphrases(self, admin, name, settings, tmp_path):
        """It says what the fingerprint of a secret was: right or wrong, the plan is the same, and tells of no other."""
        settings.BACKUP_SECRETS = []
        (tmp_path / "media").mkdir()
        salt = b"salt"
        unset = SecretFingerprint(name=name, salt=salt.hex(), digest="")
        told = set()
        for tried in (unset, fingerprint(name, salt)):
            asked = {"upload": send(admin, self.package_with(tmp_path, tried)), "only": "files"}
            planned = admin.post(f"{ROOT}restores/plan/", asked, "json").json()
            assert planned["status"] == "COMPLETED", planned
            told.add(str(planned["result"]["warnings"]))
        (same,) = told
        assert "does not match" not in same

    @pytest.mark.parametrize("salt", ["geheim", "", "ä"])
    def test_a_fingerprint_that_is_none_is_no_secret(self, admin, salt, tmp_path):
        (tmp_path / "media").mkdir()
        odd = SecretFingerprint(name="SECRET_KEY", salt=salt, digest="ä")
        asked = {"upload": send(admin, self.package_with(tmp_path, odd)), "only": "files"}
        planned = admin.post(f"{ROOT}restores/plan/", asked, "json").json()
        assert planned["status"] == "COMPLETED", planned
        assert "the secret SECRET_KEY is not the one" in str(planned["result"]["warnings"])

    def package_with(self, folder: Path, secret: SecretFingerprint) -> bytes:
        root = FileRootRecord(name="media", path="/media", files=0, folders=0, others=0, bytes=0)
        told = encode(msgspec.structs.replace(MANIFEST, databases=[], data=[], files=[root], secrets=[secret]))
        entries = [
            Folder(b"files", [Folder(b"media", [])]),
            Stream(b"manifest.json", lambda: io.BytesIO(told)),
        ]
        path = folder / f"{uuid.uuid4()}.tar.gz"
        write_package(path, entries, mtime_ns=0)
        return path.read_bytes()

    def test_a_form_repeats_what_may_be_several(self, admin):
        paths = ["files/media/b.pdf", "/files/media/a%FF.pdf/"]
        asked = {"file": io.BytesIO(b"x"), "target": "folder", "name": "x", "paths": paths}
        assert admin.post(f"{ROOT}restore_from_file/", asked, "multipart").status_code == 201
        arguments = Operation.objects.get().arguments
        assert arguments["paths"] == ["files/media/a%FF.pdf", "files/media/b.pdf"]
        # Requests from before there were parts are still understood.
        del arguments["paths"], arguments["tables"]
        assert RestoreRequest.from_json(arguments).paths == frozenset()
