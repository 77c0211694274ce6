"""`import_documents` imports a folder of files."""

import hashlib
import json
import os
import re
import resource
import signal
import socket
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.documents.files import SourceUnreadable, file_store, storage
from apps.documents.importing import folder_import
from apps.documents.models import Document, DocumentVersion
from apps.documents.names import as_bytes
from apps.documents.verifying import documents_verify

BACKEND = Path(__file__).resolve().parents[2] / "backend"

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ODD_NAMES = [
    b"caf\xe9.txt",
    b"a\nb",
    b"n" * 255,
    b"'\"%$`\\",
    b" ",
    b"-rf",
    b".hidden",
    "文書.PDF".encode(),
    b"\xff\xfe",
]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "source"
    path.mkdir()
    return path


def test_odd_names_are_kept_and_stored_safely(folder):
    for name in ODD_NAMES:
        (folder / os.fsdecode(name)).write_bytes(b"content of " + name)
    report = folder_import(os.fsencode(folder))
    assert (report.files, report.failed) == (len(ODD_NAMES), [])
    versions = list(DocumentVersion.objects.all())
    assert {as_bytes(version.source_name) for version in versions} == set(ODD_NAMES)
    for version in versions:
        assert re.fullmatch(r"documents/[0-9a-f]{2}/[0-9a-f]{32}(-[\w-]+)?(\.[a-z0-9]+)?", version.file.name)
        assert len(os.fsencode(version.file.name)) < 200
        content = b"content of " + as_bytes(version.source_name)
        assert (version.size, version.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert version.file.read() == content
        version.file.close()
    assert documents_verify().problems == []


def test_folders_in_the_order_of_their_names_and_a_limit(folder):
    for name in ("b/2.txt", "a/1.txt", "c/3.txt", "0.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    report = folder_import(os.fsencode(folder), limit=3)
    assert report.files == 3
    by_number = DocumentVersion.objects.order_by("document__number").values_list("source_name", flat=True)
    assert list(by_number) == ["0.txt", "a/1.txt", "b/2.txt"]


def test_special_files_are_counted(folder):
    (folder / "file").write_text("x")
    (folder / "link").symlink_to("file")
    (folder / "folder link").symlink_to("/usr")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        place = os.open(folder, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{place}/socket")
        os.close(place)
    report = folder_import(os.fsencode(folder))
    assert report.files == 1
    assert report.skipped == {"symbolic links": 2, "pipes": 1, "sockets": 1}


def test_an_unreadable_folder_is_listed_and_the_rest_imported(folder):
    # Deeper than the longest path of the system: not even root can open it by its name.
    place = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=place)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(place)
    (folder / "e").write_text("x")
    report = folder_import(os.fsencode(folder))
    assert report.files == 1
    ((name, reason),) = report.failed
    assert name.startswith("d" * 250)
    assert reason == "File name too long"


def test_a_failing_source_leaves_no_file(settings):
    with open("/proc/self/mem", "rb", buffering=0) as source, pytest.raises(SourceUnreadable):
        file_store(source, source_name=b"mem")
    assert not [name for _, _, names in os.walk(settings.MEDIA_ROOT) for name in names]


def test_rows_that_cannot_be_written_leave_no_files(folder, settings, db):
    from django.db import connection

    (folder / "file").write_text("x")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON documents_auditentry BEGIN SELECT RAISE(ABORT, 'no more'); END"
        )
    with pytest.raises(Exception, match="no more"):
        folder_import(os.fsencode(folder))
    assert Document.objects.count() == 0
    assert not [name for _, _, names in os.walk(settings.MEDIA_ROOT) for name in names]


def test_an_interrupted_import_leaves_only_complete_documents(installation, folder):
    for number in range(3000):
        (folder / f"{number}.txt").write_text(str(number))
    assert installation.manage("migrate", "--verbosity", "0").returncode == 0
    process = installation.start(BACKEND / "manage.py", "import_documents", folder)
    while not list(installation.home.glob("media/documents/*/*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "INTERRUPTED" in output
    verified = installation.manage("verify_documents", "--json")
    assert verified.returncode == 0, verified.output
    assert 0 < json.loads(verified.output)["documents"] < 3000


def test_a_full_disk_leaves_only_complete_documents(folder, tmp_path, settings):
    # A limit on the file size simulates a full disk: the write fails in the same place.
    (folder / "a small one").write_bytes(b"x")
    (folder / "b too large").write_bytes(bytes(2_000_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(CommandError, match=r"failed after 0 documents, which are kept: .*File too large"):
            call_command("import_documents", str(folder))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert documents_verify().problems == []


def test_queries_do_not_grow_with_files(folder, django_assert_max_num_queries):
    for number in range(200):
        (folder / f"{number}.txt").write_text(str(number))
    with django_assert_max_num_queries(40):
        folder_import(os.fsencode(folder))
    assert Document.objects.count() == 200
    assert len(storage().listdir("documents")[0]) > 20


def test_a_large_file_is_streamed(installation, folder):
    with open(folder / "large", "wb") as file:
        file.truncate(400_000_000)
    assert installation.manage("migrate", "--verbosity", "0").returncode == 0
    # Not ru_maxrss: a process starts with the peak of its parent, here of earlier tests.
    program = (
        "from pathlib import Path; from django.core.management import execute_from_command_line as run;"
        f"run(['manage.py', 'import_documents', {str(folder)!r}, '--json']);"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = installation("-c", program)
    assert done.returncode == 0, done.errors
    report, kilobytes = done.output.splitlines()
    assert json.loads(report)["size"] == 400_000_000
    assert int(kilobytes) < 200_000


def test_the_command_reports(folder, capsys):
    (folder / "file").write_text("12345")
    (folder / "link").symlink_to("file")
    call_command("import_documents", str(folder), "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["seconds"] >= 0
    assert {name: report[name] for name in ("files", "size", "skipped", "failed")} == {
        "files": 1,
        "size": 5,
        "skipped": {"symbolic links": 1},
        "failed": [],
    }


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("import_documents", str(tmp_path / "nothing"))


@pytest.mark.parametrize("inside", [True, False])
def test_import_refuses_the_files_of_the_edms(tmp_path, settings, inside):
    (tmp_path / "media" / "documents").mkdir(parents=True)
    folder = tmp_path / "media" / "documents" if inside else tmp_path
    with pytest.raises(CommandError, match="files of the EDMS"):
        call_command("import_documents", str(folder))


def test_a_limit_below_1_is_refused(folder):
    with pytest.raises(CommandError, match="--limit"):
        call_command("import_documents", str(folder), "--limit", "0")
