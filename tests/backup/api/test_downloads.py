"""Files, folders and whole backups are downloaded, in parts and whole."""

from __future__ import annotations

import gc
import io
import os
import shutil
import tarfile
import uuid
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient
from tests.backup.testing.edms import CHEAP
from tests.backup.testing.rows import DAY, backup
from tests.backup.testing.stored_backup import ROOT, TREE, body, download, files, stream

from apps.backup.api import live_sessions as standing
from apps.backup.core.permissions import Right
from apps.backup.models import AuditEvent, Operation, RepositoryDamage
from apps.backup.operations import run_operation
from apps.backup.storage import repository_cache as opened
from apps.backup.storage.locations import resolve_place
from strongroom.archiver import ArchiveOptions, archive
from strongroom.entries import Folder
from strongroom.packages import open_package
from strongroom.repository.locks import Timing
from strongroom.testing.trees import File

pytestmark = pytest.mark.django_db


def test_a_file_is_handed_out_as_it_was(reader, job):
    by_size = {len(entry.content): entry.content for entry in TREE.values() if isinstance(entry, File)}
    for one in files(reader, job, "files/media").json()["results"]:
        if one["kind"] != "file":
            continue
        answer = download(reader, job, one["path"])
        assert answer.status_code == 200
        assert body(answer) == by_size.pop(one["size"])
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment; filename")
        assert not set("\r\n") & set(answer["Content-Disposition"])
    assert not by_size


def test_nothing_that_is_handed_out_can_act_in_a_browser(reader, job):
    answer = download(reader, job, 'files/media/grüße "q".txt')
    body(answer)
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''gr%C3%BC%C3%9Fe%20_q_.txt"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store, no-transform"


def test_a_folder_is_handed_out_as_a_tar(reader, job):
    answer = download(reader, job, "files/media")
    assert answer["Content-Type"] == "application/x-tar"
    assert answer["Content-Disposition"] == 'attachment; filename="media.tar"'
    assert answer["X-Backup-Left-Out"] == "links=0, specials=1, withheld=0"
    with tarfile.open(fileobj=io.BytesIO(body(answer)), errors="surrogateescape") as tar:
        found = {os.fsencode(one.name): one for one in tar}
        assert tar.extractfile("media/big.bin").read() == TREE[b"big.bin"].content
    assert set(found) == {b"media", *(b"media/" + name for name in TREE if name != b"pipe")} | {
        b"media/2024/" + name for name in TREE[b"2024"]
    }
    assert found[b"media/link"].linkname == "2024/invoice.pdf"


def test_the_whole_is_handed_out_as_a_package(reader, job, tmp_path):
    answer = download(reader, job)
    assert answer["Content-Disposition"] == 'attachment; filename="nightly-1.tar.gz"'
    assert answer["X-Backup-Left-Out"] == "links=1, specials=1, withheld=2"
    content = body(answer)
    (tmp_path / "p.tar.gz").write_bytes(content)
    package = open_package(tmp_path / "p.tar.gz")
    with package.open_member("files/media/big.bin") as big:
        assert b"".join(iter(lambda: big.read(1 << 20), b"")) == TREE[b"big.bin"].content
    assert b"geheim" not in content
    head = reader.head(f"{ROOT}jobs/{job.uuid}/download/")
    assert (head.content, head["Content-Length"], head["ETag"]) == (b"", str(len(content)), answer["ETag"])
    assert AuditEvent.objects.filter(action="backup.download").count() == 1


@pytest.mark.parametrize("path", ["", "files/media", "files/media/big.bin"])
def test_interrupted_downloads_continue(reader, job, path):
    whole = download(reader, job, path)
    content = body(whole)
    size, etag = len(content), whole["ETag"]
    for start, stop in [(0, 1), (1, 4097), (1_500_001, 1_500_002), (size // 2, size), (size - 1, size)]:
        answer = download(reader, job, path, range=f"bytes={start}-{stop - 1}", if_range=etag)
        assert (answer.status_code, answer["ETag"]) == (206, etag)
        assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert body(answer) == content[start:stop]
    assert body(download(reader, job, path, range="bytes=-10")) == content[-10:]
    assert body(download(reader, job, path, range=f"bytes={size - 7}-")) == content[-7:]
    assert body(download(reader, job, path, range=f"bytes={size - 7}-{size * 2}")) == content[-7:]


def test_ranges_that_are_not_as_they_should_be(reader, job):
    def ask(**headers):
        return download(reader, job, "files/media/2024/Letter.TXT", **headers)

    for if_range in ('"another"', "Tue, 24 Nov 2026 12:00:00 GMT"):
        assert body(ask(range="bytes=3-4", if_range=if_range)) == b"Dear\n"
    for several in ("bytes=0-1,3-4", "lines=0-1"):
        assert body(ask(range=several)) == b"Dear\n"
    AuditEvent.objects.all().delete()
    for text in ("5-", "4-2", "-0", "-", "a-b", "٣-٤", "99999999999999999999-", ""):
        answer = ask(range=f"bytes={text}")
        assert answer.status_code == 416, text
        assert answer["Content-Range"] == "bytes */5"
        assert answer.json()["type"] == "urn:edms-backup:problem:range-not-satisfiable"
    assert AuditEvent.objects.count() == 0
    assert held_locks() == 0


def test_known_content_is_not_sent_again(reader, job):
    etag = download(reader, job, "files/media/2024")["ETag"]
    answer = download(reader, job, "files/media/2024", if_none_match=f'"x", {etag}')
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)


def held_locks() -> int:
    return len(list((resolve_place("", encrypted=True).path / "locks").iterdir()))


def test_a_download_that_is_given_up_lets_go_of_the_repository(reader, job):
    answer = download(reader, job, "files/media/big.bin")
    next(answer.streaming_content)
    assert held_locks() == 1
    answer.close()
    assert held_locks() == 0
    # Nor does one hold it of which nothing was read, or that is forgotten.
    download(reader, job).close()
    assert held_locks() == 0
    answer = download(reader, job)
    assert held_locks() == 1
    del answer
    gc.collect()
    assert held_locks() == 0


NO_PATHS = (
    *("..", "../../etc/passwd", "files/../../x", "%2e%2e%2fetc", "%2e%2e/etc", "files//media", "files%00", "./files"),
    *("%", "files/media/..", "files/media/2024/../../..", "files\0media", "a" * 13_000, "/" * 40),
)


@pytest.mark.parametrize("address", ["files", "download"])
def test_a_path_never_leads_out_of_the_backup(reader, job, address):
    for path in NO_PATHS:
        answer = reader.get(f"{ROOT}jobs/{job.uuid}/{address}/", {"path": path})
        assert answer.status_code == 400, path
        assert answer.json()["errors"][0]["field"] == "path"


@pytest.mark.parametrize("address", ["files", "download"])
def test_paths_outside_of_the_backup_are_not_found(reader, job, address):
    nothing = ["/etc/passwd", "..\\..\\x", "files/media/link/x", "files/nothing", "files/media/big.bin/x", "C:\\x"]
    for path in nothing:
        assert reader.get(f"{ROOT}jobs/{job.uuid}/{address}/", {"path": path}).status_code == 404, path
    for name in ("..", "%2e%2e", "nothing", str(uuid.UUID(int=0)), "'; --", "0" * 5000, "%00", "%2e%2e%2fetc"):
        assert reader.get(f"{ROOT}jobs/{quote(name, safe='%')}/{address}/").status_code == 404, name
    assert held_locks() == 0


def test_links_and_secrets_are_not_handed_out(reader, job):
    link = download(reader, job, "files/media/link")
    assert (link.status_code, "link" in link.json()["detail"]) == (400, True)
    for path in ("project", "project/.env", "/project/", "%70roject/.env"):
        assert download(reader, job, path).status_code == 403
    assert files(reader, job, "project").json()["results"][0]["withheld"] is True


@pytest.mark.parametrize("right", [*Right, None])
def test_only_who_may_download_may(client_of, job, right):
    client = client_of(*([right] if right else []))
    status = 200 if right is Right.DOWNLOAD else 403
    assert files(client, job).status_code == status
    assert download(client, job).status_code == status
    assert client.head(f"{ROOT}jobs/{job.uuid}/download/").status_code == status


def test_a_download_is_written_down(reader, job):
    body(download(reader, job, "files/media/empty"))
    body(download(reader, job, "files/media/big.bin", range="bytes=10-"))
    events = AuditEvent.objects.filter(action="backup.download")
    assert {event.object_key for event in events} == {str(job.uuid)}
    assert [(event.details["path"], event.details["from"], event.details["to"]) for event in events] == [
        ("files/media/empty", 0, 0),
        ("files/media/big.bin", 10, 3_000_000),
    ]


def test_backups_being_removed_are_gone(reader, job):
    job.removal_started_at = timezone.now()
    job.save()
    for answer in (files(reader, job), download(reader, job), download(reader, job, "files")):
        assert answer.status_code == 410
    assert held_locks() == 0


def test_while_a_repository_is_locked_one_comes_again_later(reader, job, repository):
    with repository.lock(exclusive=True, timing=Timing(settle=0)):
        for answer in (files(reader, job), download(reader, job)):
            assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert files(reader, job).status_code == 200


def test_downloads_protect_their_backup_from_removal(reader, job, repository):
    answer = download(reader, job)
    with pytest.raises(Exception, match="is locked by process"):
        repository.lock(exclusive=True)
    assert body(answer)
    repository.lock(exclusive=True, timing=Timing(settle=0)).release()


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_superuser": False}])
def test_a_download_ends_with_the_right_of_its_user(person, job, monkeypatch, change):
    monkeypatch.setattr(standing, "DOWNLOAD_SECONDS", 0)
    user = person("going")
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    client = APIClient()
    client.force_authenticate(User.objects.get(pk=user.pk))
    pieces = iter(download(client, job, "files/media/big.bin").streaming_content)
    assert next(pieces)
    User.objects.filter(pk=user.pk).update(**change)
    with pytest.raises(PermissionError, match="no permission to download any more"):
        list(pieces)
    assert held_locks() == 0


def test_a_download_that_meets_damage_breaks(reader, job, repository):
    packs = [path for path in (resolve_place("", encrypted=True).path / "data").rglob("*") if path.is_file()]
    largest = max(packs, key=lambda path: path.stat().st_size)
    answer = download(reader, job, "files/media/big.bin")
    largest.chmod(0o600)
    with largest.open("r+b") as file:
        file.seek(2_500_000)
        file.write(bytes(100))
    with pytest.raises(Exception, match="cannot be read"):
        answer.getvalue()
    assert held_locks() == 0
    # It is written down, and a verification finds out which backups need it.
    assert list(RepositoryDamage.objects.values_list("found_by", "kind", "is_needed")) == [("DOWNLOAD", "blob", None)]
    wanted = Operation.objects.get()
    assert (wanted.kind, wanted.job, wanted.status) == ("VERIFY", job, "PENDING")
    assert wanted.requested_by_name == "the system"
    run_operation(wanted.uuid)
    job.refresh_from_db()
    assert job.trust == "DAMAGED"
    assert RepositoryDamage.objects.get().is_needed is True


def test_a_snapshot_that_is_lost_is_not_taken_for_nothing(reader, job):
    shutil.rmtree(resolve_place("", encrypted=True).path / "snapshots")
    assert download(reader, job).status_code == 410
    job.snapshot_id = ""
    job.save()
    assert files(reader, job).status_code == 404


def test_cached_repositories_are_closed_after_a_changed_passphrase(reader, job, repository, monkeypatch):
    assert files(reader, job).status_code == 200
    other = repository.add_key("another", cost=CHEAP)
    monkeypatch.setenv("BACKUP_PASSWORD", "a wrong one")
    # Its keys are other ones: it is opened anew, at once.
    assert files(reader, job).status_code == 503
    monkeypatch.setenv("BACKUP_PASSWORD", "another")
    assert files(reader, job).status_code == 200
    monkeypatch.setattr(opened, "_TRUSTED_SECONDS", 0.0)
    monkeypatch.setenv("BACKUP_PASSWORD", "a wrong one")
    assert files(reader, job).status_code == 503
    assert repository.remove_key(other)


def test_new_backups_are_seen_by_an_open_repository(reader, job, repository):
    files(reader, job)
    options = ArchiveOptions(paths=("/edms",), lock_timing=Timing(settle=0))
    snapshot = archive(repository, [Folder(b"files", [stream(b"new", b"new")])], options).snapshot
    later = backup(None, DAY, snapshot_id=snapshot.id)
    assert body(download(reader, later, "files/new")) == b"new"
    # Without a manifest it is no backup, and no package.
    assert download(reader, later).status_code == 409
