"""`verify_documents` finds and names every fault."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models import F
from tests.documents.conftest import BACKEND

from apps.documents.models import AuditEntry, Document, DocumentVersion, Register
from apps.documents.services import document_delete, document_update, version_add
from apps.documents.verifying import documents_verify

pytestmark = pytest.mark.django_db


def problems():
    return [(problem.kind, problem.subject, problem.text) for problem in documents_verify().problems]


def test_the_register_exists_before_the_first_writer():
    assert list(Register.objects.values_list("id", "last_sequence")) == [(Register.ONLY, 0)]


def test_an_empty_edms_has_no_problems():
    assert problems() == []


def test_all_services_keep_the_chain_intact(make_document, django_capture_on_commit_callbacks):
    first, second, third = (make_document(f"content {n}".encode()) for n in range(3))
    document_update(first.id, actor="bob", title="Another", state="EFFECTIVE")
    with default_storage.open(DocumentVersion.objects.get(document=third).file.name) as stream:
        version_add(first.id, stream, source_name=b"b.txt", actor="bob")
    with django_capture_on_commit_callbacks(execute=True):
        document_delete(second.id, actor="bob")
    report = documents_verify()
    assert report.problems == []
    assert (report.audit_entries, report.documents, report.versions, report.files) == (9, 2, 3, 3)


def test_a_lost_microsecond_is_named(make_document):
    make_document()
    make_document()
    entry = AuditEntry.objects.get(sequence=3)
    AuditEntry.objects.filter(id=entry.id).update(recorded_at=entry.recorded_at + timedelta(microseconds=1))
    report = documents_verify()
    assert report.problem_count == 1
    assert report.first_broken_entry.subject == str(entry.id)
    assert report.first_broken_entry.text.startswith("entry 3: changed since it was written: recorded_at (")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"actor": "mallory"}, "actor"),
        ({"details": {"number": "DOC-0000001"}}, "details"),
        ({"object_type": "version"}, "object_type"),
    ],
)
def test_a_changed_field_is_named(make_document, change, field):
    make_document()
    AuditEntry.objects.filter(sequence=1).update(**change)
    assert f"changed since it was written: {field} (" in documents_verify().first_broken_entry.text


def test_a_forged_hash_breaks_the_next_entry(make_document):
    make_document()
    AuditEntry.objects.filter(sequence=1).update(hash="f" * 64)
    report = documents_verify()
    assert "its hash, its marks or its link" in report.problems[0].text
    assert report.problems[1].text == "entry 2: it does not match the previous entry"


def test_missing_entries_are_named(make_document):
    for _ in range(2):
        make_document()
    AuditEntry.objects.filter(sequence__in=[2, 3]).delete()
    assert "entries 2 to 3 are missing" in documents_verify().first_broken_entry.text


def test_a_truncated_chain_is_reported(make_document):
    make_document()
    AuditEntry.objects.filter(sequence=2).delete()
    assert "it ends with entry 1" in documents_verify().first_broken_entry.text


def test_an_empty_chain_is_reported(make_document):
    make_document()
    AuditEntry.objects.all().delete()
    assert documents_verify().first_broken_entry.subject == "end after entry 0"


def test_a_lost_register_is_reported(make_document):
    make_document()
    Register.objects.all().delete()
    assert "according to the register the chain ends with entry 0" in documents_verify().first_broken_entry.text


def test_a_change_outside_of_the_trail_is_reported(make_document):
    document = make_document(title="Right")
    Document.objects.filter(id=document.id).update(title="Wrong")
    expected = "title is 'Wrong', but 'Right' in the audit trail"
    assert problems() == [("document", str(document.id), expected)]


def test_a_lost_document_and_its_version_are_reported(make_document):
    document = make_document()
    version = document.versions.get()
    name = version.file.name
    document.delete()
    assert set(problems()) == {
        (
            "document",
            str(AuditEntry.objects.get(sequence=1).object_id),
            "missing, although entry 1 records that it was created",
        ),
        ("version", str(version.id), "missing, although entry 2 records that it was created"),
        ("file", name, "belongs to no version"),
    }


def test_a_version_without_an_audit_entry_is_reported(make_document):
    version = make_document().versions.get()
    AuditEntry.objects.filter(object_id=version.id).update(object_type="nothing")
    assert ("version", str(version.id), "it is not in the audit trail") in problems()


def test_a_flipped_bit_in_a_file_is_reported(make_document):
    version = make_document(b"some content").versions.get()
    with open(version.file.path, "r+b") as file:
        file.write(b"r")
    ((kind, subject, text),) = problems()
    assert (kind, subject) == ("file", version.file.name)
    assert text.endswith(f"instead of {version.sha256}")


def test_a_file_of_another_size_is_reported(make_document):
    version = make_document(b"some content").versions.get()
    with open(version.file.path, "ab") as file:
        file.write(b"!")
    assert problems() == [("file", version.file.name, "has 13 bytes instead of 12")]


def test_a_missing_file_is_reported(make_document):
    version = make_document().versions.get()
    default_storage.delete(version.file.name)
    assert problems() == [("file", version.file.name, f"missing; it belongs to version {version.id}")]


def test_an_extra_file_is_reported(make_document):
    make_document()
    default_storage.save("documents/zz/extra.txt", ContentFile(b"x"))
    assert problems() == [("file", "documents/zz/extra.txt", "belongs to no version")]


def test_the_command_exits_with_0_without_problems(make_document, capsys):
    make_document()
    call_command("verify_documents")
    assert capsys.readouterr().out.endswith("No problems found.\n")


def test_the_command_exits_with_1_and_lists_problems(make_document, capsys):
    version = make_document().versions.get()
    default_storage.delete(version.file.name)
    DocumentVersion.objects.update(size=F("size") + 1)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_documents", "--json")
    assert ended.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "BROKEN"
    assert report["problem_count"] == 2
    assert {problem["kind"] for problem in report["problems"]} == {"file", "version"}


@pytest.mark.parametrize("command", [["verify_documents"], ["import_documents", "/usr/share/doc", "--limit", "1"]])
def test_commands_without_tables_advise_to_migrate(tmp_path, command):
    done = subprocess.run(
        [sys.executable, str(BACKEND / "manage.py"), *command],
        env={"PATH": os.environ["PATH"], "EDMS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Run `manage.py migrate`" in done.stderr
