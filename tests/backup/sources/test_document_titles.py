"""Documents are found in a backup by number, title and date, also when their rows are gone."""

import json

import pytest

from apps.backup.conf import load
from apps.backup.core.titled_files import MAX_LINE, TitledFile, TitlesInvalid, decode_lines, encode_lines
from apps.backup.errors import SettingsInvalid
from apps.backup.sources.document_titles import TitleFields, title_fields
from apps.backup.sources.file_references import titled_fields

FILE = "documents.DocumentVersion.file"


@pytest.fixture
def papers(tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("Contract 4711", "Invoice", "Übergabe"):
        (folder / f"{name}.pdf").write_text(f"the content of {name}")
    return folder


def found(host, *words, expect=0, **changes):
    return host.json("backup_find", *words, expect=expect, **changes)["results"]


@pytest.mark.slow
def test_a_document_is_found_after_its_row_is_gone_and_comes_back(host, papers, tmp_path):
    host.run("import_documents", str(papers))
    job = host.json("trigger_backup", "--type", "FULL")
    assert job["status"] == "COMPLETED"
    host.run("shell", "-c", "from apps.documents.models import *; DocumentVersion.objects.all().delete()")
    for path in host.media.rglob("*Contract*"):
        path.unlink()

    (one,) = found(host, "contract", "4711")
    assert "Contract 4711" in one["title"]
    assert one["field"] == FILE
    assert one["date"].startswith("20")
    assert found(host, one["title"].split(" · ")[0], one["date"][:10]) == [one]
    assert [other["title"].split(" · ")[1] for other in found(host, "ÜBER")] == ["Übergabe"]
    assert found(host, "contract", "invoice", expect=1) == []
    host.run("restore_backup", "latest", "--to-folder", str(tmp_path / "back"), "--path", one["path"])
    assert (tmp_path / "back" / one["path"]).read_text() == "the content of Contract 4711"
    # A table for people, with the next step.
    answer = host.run("backup_find", "4711", "--backup", job["job"][:8])
    assert answer.stdout.splitlines()[0].split("\t") == ["Title", "Date", "Path"]
    assert f"restore_backup {job['job']} --to-folder" in answer.stderr


@pytest.mark.slow
def test_it_is_found_without_the_catalogue(sqlite_host, papers):
    sqlite_host.run("import_documents", str(papers))
    sqlite_host.run("trigger_backup", "--type", "FULL")
    sqlite_host.destroy()
    (one,) = found(sqlite_host, "4711")
    assert "Contract 4711" in one["title"]


@pytest.mark.slow
def test_a_missing_column_of_a_title_is_a_note(host, papers):
    """As between a deployment and its migration: the backup is complete, and its files have paths alone."""
    host.run("import_documents", str(papers))
    change = "ALTER TABLE documents_document RENAME COLUMN title TO heading"
    host.run("shell", "-c", f"from django.db import connection as c; c.cursor().execute('{change}')")
    job = host.json("trigger_backup", "--type", "FULL")
    assert job["status"] == "COMPLETED"
    (note,) = [note for note in job["warnings"] if "titles" in note]
    assert note.startswith(f"The titles of {FILE} could not be read")
    assert found(host, "4711", expect=1) == []


@pytest.mark.slow
def test_a_file_whose_document_is_gone_is_still_named(host, papers):
    """A join leaves out the row of the version; its missing file is a problem nevertheless."""
    host.run("import_documents", str(papers))
    orphan = "DELETE FROM documents_document WHERE title LIKE '%4711'"
    # Without the constraint, as in a database whose rows were loaded past it.
    script = (
        "from django.db import connection as c\n"
        "with c.cursor() as cursor:\n"
        "    if c.vendor == 'postgresql':\n"
        "        cursor.execute('SET session_replication_role = replica')\n"
        "    else:\n"
        "        cursor.execute('PRAGMA foreign_keys = OFF')\n"
        f'    cursor.execute("{orphan}")\n'
    )
    host.run("shell", "-c", script)
    for path in host.media.rglob("*Contract*"):
        path.unlink()
    job = host.json("trigger_backup", "--type", "FULL", expect=3)
    assert job["status"] == "INCOMPLETE"
    (problem,) = job["problems"]
    assert "Contract" in str(problem)
    assert [one["title"].split(" · ")[1] for one in found(host, "pdf")] == ["Invoice", "Übergabe"]


@pytest.mark.slow
def test_other_backups_have_no_titles_and_say_so(sqlite_host, papers):
    sqlite_host.run("import_documents", str(papers))
    for kind in ("DATABASE", "FILES", "EXPORT"):
        job = sqlite_host.json("trigger_backup", "--type", kind)
        refused = sqlite_host.run("backup_find", "4711", "--backup", job["job"], expect=2)
        assert "has no titles" in refused.stderr


def test_usual_names_of_fields_are_found():
    fields = title_fields(FILE, {})
    assert fields.texts == ("document__number", "document__title", "number")
    assert fields.date == "created_at"


def test_fields_can_be_chosen_and_wrong_ones_are_refused(settings):
    settings.BACKUP_DOCUMENT_TITLES = {FILE: ["document__category__name", "document__title", "document__updated_at"]}
    (chosen,) = [one.titles for one in titled_fields(load()) if one.label == FILE]
    assert chosen == TitleFields(("document__category__name", "document__title"), "document__updated_at")
    for wrong in ({FILE: ["document__nothing"]}, {"documents.Document.title": ["number"]}, {FILE: "title"}, [FILE]):
        settings.BACKUP_DOCUMENT_TITLES = wrong
        with pytest.raises(SettingsInvalid, match="BACKUP_DOCUMENT_TITLES"):
            titled_fields(load())


def test_lines_are_read_in_any_pieces_and_damage_is_named():
    files = [TitledFile(path=f"files/{number}", field=FILE, title="ü" * number, date="") for number in range(20)]
    whole = b"".join(encode_lines(files))
    for size in (1, 7, len(whole)):
        assert list(decode_lines(whole[at : at + size] for at in range(0, len(whole), size))) == files
    later = json.dumps({"path": "a", "field": "b", "title": "c", "added_later": 1}).encode() + b"\n"
    assert next(decode_lines([later])).title == "c"
    for damaged in (whole[:-3], b"{}\n", b"\xff\n", b"x" * (MAX_LINE + 1)):
        with pytest.raises(TitlesInvalid):
            list(decode_lines([damaged]))
