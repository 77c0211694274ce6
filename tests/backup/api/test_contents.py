"""Backups looked into and downloaded over HTTP."""

from __future__ import annotations

import shutil

import pytest
from tests.backup.testing.rows import DAY, backup
from tests.backup.testing.stored_backup import MANIFEST, ROOT, TREE, body, download, files, stream

from apps.backup.core.manifest import (
    encode,
)
from apps.backup.core.permissions import Right
from apps.backup.models import BackupJob
from strongroom.archiver import ArchiveOptions, archive
from strongroom.repository.locks import Timing

pytestmark = pytest.mark.django_db


def test_a_backup_is_looked_into(reader, job):
    root = files(reader, job).json()
    assert root["entry"] is None
    assert [(one["path"], one["kind"]) for one in root["results"]] == [
        ("databases", "folder"),
        ("files", "folder"),
        ("manifest.json", "file"),
        ("project", "folder"),
    ]
    assert [one["withheld"] for one in root["results"]] == [False, False, False, True]
    assert [one["in_package"] for one in root["results"]] == [True, True, True, False]
    media = files(reader, job, "files/media").json()
    assert media["entry"]["path"] == "files/media"
    assert [(one["name"], one["kind"], one["size"], one["target"]) for one in media["results"]] == [
        ("2024", "folder", None, None),
        ("bad%FF%0A%25name", "file", 3, None),
        ("big.bin", "file", 3_000_000, None),
        ("empty", "file", 0, None),
        ('grüße "q".txt', "file", 5, None),
        ("link", "link", None, "2024/invoice.pdf"),
        ("pipe", "special", None, None),
    ]
    assert [one["name"] for one in media["results"] if not one["in_package"]] == ["link", "pipe"]
    letter = files(reader, job, "/files/media/2024/Letter.TXT").json()
    assert (letter["entry"]["mode"], letter["results"]) == ("0640", [])
    assert letter["entry"]["modified_at"] == "2023-11-14T22:13:20.123456Z"


def test_pages_of_a_folder_follow_each_other(reader, job):
    seen, after = [], {}
    while True:
        page = files(reader, job, "files/media", limit=2, **after).json()
        seen += [one["name"] for one in page["results"]]
        if page["next_after"] is None:
            break
        after = {"after": page["next_after"]}
    assert seen == [one["name"] for one in files(reader, job, "files/media").json()["results"]]


def test_a_search_finds_names_below_a_path_and_says_where_it_stopped(reader, job):
    found = files(reader, job, search="TXT").json()
    assert [one["path"] for one in found["results"]] == ["files/media/2024/Letter.TXT", 'files/media/grüße "q".txt']
    assert found["cut_off"] is None
    assert [one["name"] for one in files(reader, job, "files/media/2024", search="i").json()["results"]] == [
        "invoice.pdf"
    ]
    assert files(reader, job, search="i", limit=1).json()["cut_off"] == "limit"


def test_a_search_takes_no_longer_than_it_may(reader, job, monkeypatch):
    monkeypatch.setattr("apps.backup.backups.contents.search.__kwdefaults__", {"seconds": 0.0})
    found = files(reader, job, search="x").json()
    assert (found["results"], found["cut_off"]) == ([], "time")


def test_a_package_is_handed_out_as_it_is(reader, packaged, tmp_path):
    (path,) = (tmp_path / "backups" / "packages").iterdir()
    answer = download(reader, packaged)
    path_bytes = path.read_bytes()
    # Opened it is, so it may go.
    path.unlink()
    assert body(answer) == path_bytes
    assert answer["Content-Disposition"] == f'attachment; filename="{path.name}"'
    assert download(reader, packaged).status_code == 404


def test_tables_are_those_of_the_manifest(reader, client_of, repository, job, packaged):
    where = f"{ROOT}jobs/{job.uuid}/tables/"
    answer = reader.get(where)
    assert (answer.status_code, "manifest.json is damaged" in answer.json()["detail"]) == (409, True)
    assert reader.get(f"{ROOT}jobs/{packaged.uuid}/tables/").status_code == 409
    assert client_of(Right.RESTORE).get(where).status_code == 403
    options = ArchiveOptions(paths=("/edms",), lock_timing=Timing(settle=0))
    entries = [stream(b"manifest.json", encode(MANIFEST))]
    good = backup(None, DAY, job_name="nightly-2", snapshot_id=archive(repository, entries, options).snapshot.id)
    assert reader.get(f"{ROOT}jobs/{good.uuid}/tables/").json()["results"] == [
        {"database": "archive", "name": "old", "rows": 7},
        {"database": "default", "name": "public.a", "rows": 1},
        {"database": "default", "name": "public.b", "rows": 2},
    ]


def test_a_package_is_looked_into_and_a_file_taken_out(reader, packaged):
    assert [one["name"] for one in files(reader, packaged).json()["results"]] == [
        "README.txt",
        "SHA256SUMS",
        "databases",
        "files",
        "manifest.json",
        "project",
    ]
    names = [one["name"] for one in files(reader, packaged, "files/media").json()["results"]]
    assert names == ["2024", "bad%FF%0A%25name", "big.bin", "empty", 'grüße "q".txt']
    assert [one["path"] for one in files(reader, packaged, search="letter").json()["results"]] == [
        "files/media/2024/Letter.TXT"
    ]
    big = TREE[b"big.bin"].content
    assert body(download(reader, packaged, "files/media/big.bin")) == big
    assert body(download(reader, packaged, "files/media/big.bin", range="bytes=1500000-")) == big[1_500_000:]
    assert files(reader, packaged, "files/nothing").status_code == 404
    assert download(reader, packaged, "files/nothing").status_code == 404
    assert download(reader, packaged, "files/media").status_code == 409
    assert download(reader, packaged, "project/.env").status_code == 403


def test_a_package_that_lies_elsewhere_is_not_handed_out(reader, packaged, tmp_path, client_of):
    viewer = client_of(Right.VIEW, name="viewer")
    assert viewer.get(f"{ROOT}jobs/{packaged.uuid}/").json()["is_in_storage"] is True
    (path,) = (tmp_path / "backups" / "packages").iterdir()
    elsewhere = tmp_path / "elsewhere" / "packages"
    elsewhere.mkdir(parents=True)
    shutil.copy(path, elsewhere / path.name)
    # By its own path, through a link in the place of packages, and through the folder's.
    linked = path.with_name("linked.tar.gz")
    linked.symlink_to(elsewhere / path.name)
    for where in (elsewhere / path.name, linked, tmp_path / "documents" / "big.bin"):
        BackupJob.objects.update(backup_file_path=str(where))
        assert download(reader, packaged).status_code == 409
        assert files(reader, packaged).status_code == 409
        assert viewer.get(f"{ROOT}jobs/{packaged.uuid}/").json()["is_in_storage"] is False


def test_middleware_that_packs_answers_leaves_downloads_as_they_are(reader, job, settings):
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    answer = download(reader, job, "files/media/big.bin", range="bytes=0-999999", accept_encoding="gzip")
    assert body(answer) == TREE[b"big.bin"].content[:1_000_000]
