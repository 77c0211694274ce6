"""Documents are found in a backup over HTTP."""

from __future__ import annotations

import pytest
from tests.backup.testing.rows import DAY, backup
from tests.backup.testing.stored_backup import ROOT, stream

from apps.backup.core.permissions import Right
from apps.backup.core.titled_files import TitledFile, encode_lines
from strongroom.archiver import ArchiveOptions, archive
from strongroom.repository.locks import Timing

pytestmark = pytest.mark.django_db

FILES = [
    TitledFile(
        path=f"files/media/{number}.pdf", field="a.B.file", title=f"SOP-{number:04} · Cleaning", date="2026-11-02"
    )
    for number in range(60)
]


def stored(repository, content: bytes, name: str):
    options = ArchiveOptions(paths=("/edms",), lock_timing=Timing(settle=0))
    entries = [stream(b"documents.jsonl", content), stream(b"manifest.json", b"{}")]
    return backup(None, DAY, job_name=name, snapshot_id=archive(repository, entries, options).snapshot.id)


def find(client, job, **asked):
    return client.get(f"{ROOT}jobs/{job.uuid}/documents/", asked)


def test_documents_are_found_by_every_word(reader, client_of, repository):
    job = stored(repository, b"".join(encode_lines(FILES)), "titled")
    assert find(reader, job, search="cleaning sop-0007").json() == {
        "available": True,
        "results": [
            {
                "title": "SOP-0007 · Cleaning",
                "date": "2026-11-02",
                "field": "a.B.file",
                "path": "files/media/7.pdf",
            }
        ],
        "cut_off": None,
    }
    assert len(find(reader, job, search="2026-11 .pdf", limit=100).json()["results"]) == 60
    cut = find(reader, job, search="cleaning").json()
    assert (len(cut["results"]), cut["cut_off"]) == (50, "limit")
    assert find(reader, job, search="nothing").json()["results"] == []
    assert find(client_of(Right.RESTORE), job).status_code == 403
    assert find(reader, job, limit=0).status_code == 400


def test_a_search_takes_no_longer_than_it_may(reader, repository, monkeypatch):
    job = stored(repository, b"".join(encode_lines(FILES)), "titled")
    monkeypatch.setattr("apps.backup.backups.documents._SEARCH_SECONDS", 0.0)
    assert find(reader, job, search="x").json() == {"available": True, "results": [], "cut_off": "time"}


def test_backups_without_titles_say_so(reader, job, packaged):
    for one in (job, packaged):
        assert find(reader, one, search="x").json() == {"available": False, "results": [], "cut_off": None}


def test_a_damaged_list_is_refused(reader, repository):
    answer = find(reader, stored(repository, b'{"path": 1}\n', "bad"), search="x")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:edms-backup:problem:refused")
    assert "documents.jsonl is damaged" in answer.json()["detail"]
