"""A stored backup for tests of contents and downloads: its files, its fixtures, and requests for them."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime

import pytest
from tests.backup.testing.edms import CHEAP, PASSPHRASE
from tests.backup.testing.rows import DAY, backup

from apps.backup.core.manifest import (
    FORMAT,
    DatabaseRecord,
    DataRecord,
    JobFacts,
    Manifest,
    ProjectFacts,
    ReferenceFacts,
    TableRecord,
)
from apps.backup.core.permissions import Right
from apps.backup.models import BackupJob
from apps.backup.storage.locations import resolve_place
from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.entries import Folder, OnDisk, Stream
from strongroom.packages import write_package
from strongroom.passphrase import Passphrase
from strongroom.repository import Repository
from strongroom.repository.locks import Timing
from strongroom.testing.trees import Fifo, File, Link, build

ROOT = "/api/v1/backup/"
CUT = datetime(2026, 1, 1, tzinfo=UTC)
MANIFEST = Manifest(
    format=FORMAT,
    software="edms-backup",
    job=JobFacts(uuid="", name="nightly-2", configuration="", type="FULL", started_at=CUT),
    cut_at=CUT,
    project=ProjectFacts(python="", django="", apps={}, code_migrations={}),
    secrets=[],
    databases=[
        DatabaseRecord(
            alias="default",
            engine="postgresql",
            path="databases/default/database.dump",
            size=0,
            sha256="",
            cut_at=CUT,
            server_version="15",
            tables={"public.b": 2, "public.a": 1},
            migrations={},
        )
    ],
    data=[
        DataRecord(
            alias="archive",
            engine="sqlite",
            server_version="3",
            cut_at=CUT,
            time_zone="UTC",
            bare_moments=False,
            applied={},
            migrations={},
            tables=[
                TableRecord(name="old", path="data/old.ndjson", model="", columns=[], key=[], rows=7, size=0, sha256="")
            ],
        )
    ],
    files=[],
    references=ReferenceFacts(fields=[], checked=0, missing=0, excluded=0, orphans=0, examples=[]),
    fact_files=[],
    problems=0,
)
TREE = {
    b"2024": {b"invoice.pdf": File(b"%PDF" + os.urandom(5000)), b"Letter.TXT": File(b"Dear\n", mode=0o640)},
    b"bad\xff\n%name": File(b"odd"),
    b"big.bin": File(os.urandom(3_000_000)),
    b"empty": File(b""),
    b'gr\xc3\xbc\xc3\x9fe "q".txt': File(b"hello"),
    b"link": Link(b"2024/invoice.pdf"),
    b"pipe": Fifo(),
}


def stream(name: bytes, content: bytes) -> Stream:
    return Stream(name, lambda: io.BytesIO(content))


@pytest.fixture
def repository() -> Repository:
    place = resolve_place("", encrypted=True)
    place.storage.mkdir(mode=0o700)
    return Repository.init(LocalBackend(place.path), PASSPHRASE, cost=CHEAP)


@pytest.fixture
def entries(tmp_path) -> list:
    build(tmp_path / "documents", TREE)
    return [
        Folder(b"databases", [Folder(b"default", [stream(b"database.sqlite3", b"SQLite" * 100)])]),
        Folder(b"files", [OnDisk(b"media", os.fsencode(tmp_path / "documents"))]),
        Folder(b"project", [stream(b".env", b"SECRET_KEY=geheim")]),
        stream(b"manifest.json", b"{}"),
    ]


@pytest.fixture
def job(repository, entries) -> BackupJob:
    """A backup with everything that a disk has."""
    options = ArchiveOptions(paths=("/edms",), lock_timing=Timing(settle=0))
    return backup(None, DAY, job_name="nightly-1", snapshot_id=archive(repository, entries, options).snapshot.id)


@pytest.fixture
def reader(client_of):
    return client_of(Right.DOWNLOAD)


def files(client, job, path="", **more):
    return client.get(f"{ROOT}jobs/{job.uuid}/files/", {"path": path, **more})


def download(client, job, path="", **headers):
    return client.get(f"{ROOT}jobs/{job.uuid}/download/", {"path": path}, headers=headers)


def body(answer) -> bytes:
    """All of it; what is said of its length is true."""
    content = answer.getvalue()
    assert int(answer["Content-Length"]) == len(content)
    return content


@pytest.fixture(params=["plain", "sealed"])
def packaged(request, entries, tmp_path) -> BackupJob:
    """A job that has written a package."""
    folder = tmp_path / "backups" / "packages"
    folder.mkdir(parents=True)
    sealed = request.param == "sealed"
    path = folder / ("export.tar.gz.gpg" if sealed else "export.tar.gz")
    written = write_package(path, entries, mtime_ns=0, passphrase=Passphrase(PASSPHRASE, "a test") if sealed else None)
    return backup(None, DAY, snapshot_id="", backup_file_path=str(path), checksum=written.sha256)
