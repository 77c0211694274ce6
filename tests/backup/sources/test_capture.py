"""A consistency point: its contents, its exclusions and its notes."""

import gzip
import json
import os
import tarfile
from pathlib import Path

import pytest
from tests.backup.testing.edms import BACKEND

STRANGE = "tests.backup.testing.projects.sources.strange"
"""A database engine that nothing knows."""


def package_of(host, tmp_path, *arguments, expect=0, **changes):
    """A package of the host: its manifest, the names in it, and the command's answer."""
    path = tmp_path / "p.tar.gz"
    answer = host.json("trigger_backup", *arguments, "--output", str(path), expect=expect, **changes)
    with gzip.open(path) as stream, tarfile.open(fileobj=stream) as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json"))
    return manifest, names, answer


def test_manifest_tells_what_is_in_it(host, tmp_path):
    manifest, names, answer = package_of(host, tmp_path, "--type", "FULL")

    assert answer["status"] == "COMPLETED"
    assert names[-2:] == ["manifest.json", "SHA256SUMS"]
    database = manifest["databases"][0]
    prefix = "" if database["engine"] == "sqlite" else "public."
    assert database["tables"][prefix + "hostproject_everything"] == 60
    assert database["tables"][prefix + 'Odd "Table"'] == 2
    assert database["tables"][prefix + "empty_one"] == 0
    assert database["size"] > 10_000
    assert len(database["sha256"]) == 64
    assert database["migrations"]["auth"] == manifest["project"]["code_migrations"]["auth"]
    media = manifest["files"][0]
    assert (media["name"], media["files"]) == ("media", 60)
    assert media["bytes"] == sum(path.stat().st_size for path in host.media.rglob("*.bin"))
    references = manifest["references"]
    assert (references["checked"], references["missing"], references["orphans"]) == (60, 0, 0)
    fingerprints = {one["name"]: one for one in manifest["secrets"]}
    assert set(fingerprints) == {"SECRET_KEY", "HOST_SECRET"}
    assert "1234" not in json.dumps(fingerprints["HOST_SECRET"]["digest"])


@pytest.mark.postgresql
def test_manifest_of_postgresql(postgres_host, tmp_path):
    manifest, _, _ = package_of(postgres_host, tmp_path, "--type", "DATABASE")
    database = manifest["databases"][0]
    assert database["tables"]["Second Schema.types"] == 1
    assert database["tables"]["public.parts_one"] == 1
    assert "public.parts" not in database["tables"]
    assert database["sequences"]["public.invoice"] == 1001
    assert database["large_objects"] == 1
    assert database["encoding"] == "UTF8"
    assert "statement_timeout=30s" in database["settings"]
    assert database["tool"].startswith("pg_dump ")
    assert manifest["files"] == []


@pytest.mark.parametrize(("kind", "databases", "files"), [("DATABASE", 1, 0), ("FILES", 0, 1), ("FULL", 1, 1)])
def test_types(sqlite_host, tmp_path, kind, databases, files):
    manifest, names, _ = package_of(sqlite_host, tmp_path, "--type", kind)
    assert (len(manifest["databases"]), len(manifest["files"])) == (databases, files)
    assert ("databases" in names, "files" in names) == (bool(databases), bool(files))


def test_missing_files_make_it_incomplete_and_orphans_are_counted(host, tmp_path):
    lost = next(host.media.rglob("file-7.bin"))
    lost.unlink()
    (host.media / "orphan").write_text("nobody names me")

    answer = host.json("trigger_backup", "--type", "FULL", expect=3)

    assert answer["status"] == "INCOMPLETE"
    assert [problem["path"] for problem in answer["problems"]] == [str(lost)]
    assert "hostproject.Everything.file" in answer["problems"][0]["reason"]
    manifest, _, _ = package_of(host, tmp_path, "--type", "FULL", expect=3)
    assert (manifest["references"]["missing"], manifest["references"]["orphans"]) == (1, 1)
    assert manifest["references"]["examples"] == [str(lost)]


def test_text_fields_that_name_files(sqlite_host):
    inside, outside = sqlite_host.media / "named.txt", "/nowhere/else.txt"
    inside.write_text("x")
    sqlite_host.write("UPDATE hostproject_everything SET path_text = 'named.txt' WHERE id = 1")
    sqlite_host.write("UPDATE hostproject_everything SET path_text = ? WHERE id = 2", outside)
    answer = sqlite_host.json("trigger_backup", "--type", "FULL", expect=3)
    assert [problem["path"] for problem in answer["problems"]] == [outside]


def test_a_named_file_that_looks_like_the_leavings_of_a_restore_is_missed(sqlite_host):
    """It is never captured, and a backup without a document is no success."""
    name = "notes.edms-restore-manual.pdf"
    (sqlite_host.media / name).write_text("a document")
    sqlite_host.write("UPDATE hostproject_everything SET path_text = ? WHERE id = 1", name)
    answer = sqlite_host.json("trigger_backup", "--type", "FULL", expect=3)
    assert [problem["path"] for problem in answer["problems"]] == [str(sqlite_host.media / name)]


def test_roots_and_what_is_never_taken(sqlite_host, tmp_path):
    # The extra root is the home itself: it holds media, the live database and the backups.
    manifest, names, answer = package_of(
        sqlite_host, tmp_path, "--type", "FILES", HOST_EXTRA_ROOT=str(sqlite_host.home)
    )
    assert [root["name"] for root in manifest["files"]] == ["extra"]
    assert "files/extra/secret_key" in names
    assert sum(name.startswith("files/extra/media/") for name in names) > 60
    assert not any("sqlite3" in name or name.startswith("files/extra/backups") for name in names)
    assert answer["status"] == "COMPLETED"


def configure(host, name, **values):
    script = (
        "from apps.backup.services.configurations import *\n"
        f"configuration_create(ConfigurationValues(name={name!r}, **{values!r}))"
    )
    host.run("shell", "-c", script)


def test_a_misspelt_root_is_a_problem_and_no_backup_without_files(sqlite_host):
    configure(sqlite_host, "misspelt", include=["databases/default", "files/medai"])
    answer = sqlite_host.json("trigger_backup", "--config", "misspelt", expect=3)
    assert answer["problems"] == [
        {"path": "files/medai", "reason": "is to be included, and is none of databases/default, files/media"}
    ]
    configure(sqlite_host, "nothing", include=["*.pdf"])
    assert "nothing to back up" in sqlite_host.json("trigger_backup", "--config", "nothing", expect=1)["error"]


def test_the_plan_says_that_documents_were_left_out(sqlite_host):
    configure(sqlite_host, "most", exclude=["files/media/host/*/file-1*"])
    backup = sqlite_host.json("trigger_backup", "--config", "most")
    plan = sqlite_host.json("restore_backup", backup["job"], "--dry-run")
    assert any("files that the rows name were left out of the backup" in text for text in plan["warnings"])
    plan = sqlite_host.json("restore_backup", backup["job"], "--dry-run", "--only", "database")
    assert not any("left out" in text for text in plan["warnings"])


def test_a_missing_root_is_a_problem(sqlite_host, tmp_path):
    answer = sqlite_host.json(
        "trigger_backup", "--type", "FULL", expect=3, HOST_EXTRA_ROOT=str(tmp_path / "not-mounted")
    )
    assert [problem["path"] for problem in answer["problems"]] == [str(tmp_path / "not-mounted")]


def test_a_folder_that_has_come_to_be_empty_is_a_problem(sqlite_host, tmp_path):
    """A disk that is not mounted leaves an empty folder; its backups must not push out those of the documents."""
    host, away = sqlite_host, tmp_path / "away"
    host.run("manage_backup_configs", "--create", "--name", "docs", "--type", "FILES", "--max-backups", "1")
    good = host.json("trigger_backup", "--config", "docs")
    host.media.rename(away)
    host.media.mkdir()
    (host.media / ".gitkeep").touch()
    for _ in range(2):
        answer = host.json("trigger_backup", "--config", "docs", expect=3)
        assert [problem["path"] for problem in answer["problems"]] == [str(host.media)]
        assert "is its disk mounted?" in answer["problems"][0]["reason"]
    assert host.json("verify_backup", good["job"])["trust"] == "VERIFIED"
    # Meant to be so, and said so.
    (host.media / "README").write_text("moved to the archive")
    assert host.json("trigger_backup", "--config", "docs")["status"] == "COMPLETED"
    (host.media / "README").unlink()
    host.media.joinpath(".gitkeep").unlink()
    host.media.rmdir()
    away.rename(host.media)
    assert host.json("trigger_backup", "--config", "docs")["status"] == "COMPLETED"


def test_where_the_rows_name_no_file_an_empty_folder_is_complete(sqlite_host):
    assert sqlite_host.json("trigger_backup", "--type", "FULL")["status"] == "COMPLETED"
    sqlite_host.write("UPDATE hostproject_everything SET file = ''")
    for path in sqlite_host.media.rglob("*"):
        if path.is_file():
            path.unlink()
    assert sqlite_host.json("trigger_backup", "--type", "FULL")["status"] == "COMPLETED"


def test_a_root_inside_the_storage_is_refused(sqlite_host):
    inside = sqlite_host.storage / "deep"
    inside.mkdir(parents=True)
    answer = sqlite_host.json("trigger_backup", "--type", "FULL", expect=1, HOST_EXTRA_ROOT=str(inside))
    assert "lies inside the backup storage" in answer["error"]


def test_fact_files_only_where_they_are_encrypted(sqlite_host, tmp_path):
    secret = tmp_path / ".env"
    secret.write_text("KEY=very-secret")
    _, names, _ = package_of(sqlite_host, tmp_path, "--type", "FULL", HOST_FACT_FILE=str(secret))
    assert not any(name.startswith("project") for name in names)
    backup = sqlite_host.json("trigger_backup", "--type", "FULL", HOST_FACT_FILE=str(secret))
    sqlite_host.json("restore_backup", backup["job"], "--to-folder", str(tmp_path / "out"))
    assert (tmp_path / "out/project/.env").read_text() == "KEY=very-secret"
    # A restore of the live system does not put it back, and says so where it is gone.
    secret.unlink()
    plan = sqlite_host.json("restore_backup", backup["job"], "--dry-run", HOST_FACT_FILE=str(secret))
    (said,) = [one for one in plan["warnings"] if "BACKUP_FACT_FILES" in one]
    assert said.startswith(f"{secret} of BACKUP_FACT_FILES: not there, and not put back")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HOST_NAME", ":memory:", "in memory"),
        ("HOST_NAME", "file:x?mode=memory&cache=shared", "in memory"),
        ("HOST_ENGINE", STRANGE, STRANGE),
    ],
)
def test_databases_that_cannot_be_backed_up(sqlite_host, variable, value, said):
    code = (
        "from apps.backup.sources.consistency_point import CaptureSpec, open_consistency_point\n"
        "from apps.backup.sources.errors import SourceRefused; import uuid, datetime, pathlib, tempfile\n"
        "spec = CaptureSpec(job_uuid=uuid.uuid4(), job_name='', configuration_name='', encrypted=False,"
        " started_at=datetime.datetime.now(datetime.UTC), staging=pathlib.Path(tempfile.mkdtemp()))\n"
        "try:\n"
        "    with open_consistency_point('FULL', spec=spec): print('opened')\n"
        "except SourceRefused as error: print('refused:', error)\n"
    )
    root = str(Path(__file__).parents[3])
    path = sqlite_host.environment["PYTHONPATH"] + os.pathsep + root
    result = sqlite_host.run("shell", "-c", code, PYTHONPATH=path, **{variable: value})
    assert "refused:" in result.stdout
    assert said in result.stdout


def test_a_lost_database_is_an_error(sqlite_host):
    code = (
        "from apps.backup.sources.engines.sqlite.online_copy import open_sqlite; import pathlib\n"
        "from apps.backup.sources.errors import CaptureFailed\n"
        "try:\n"
        "    with open_sqlite('default', {'NAME': '/nowhere/x.sqlite3'}, pathlib.Path(), fields=[], named=None): pass\n"
        "except CaptureFailed as error: print('failed:', error)\n"
    )
    assert "failed: The database 'default' should be /nowhere" in sqlite_host.run("shell", "-c", code).stdout


def test_files_without_a_media_root_are_missed(edms, tmp_path):
    """Django keeps them in whatever folder it is started in then, and that is nothing to back up as a whole."""
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/a.txt").write_text("a contract")
    edms.run("import_documents", str(tmp_path / "scans"))
    (tmp_path / "bare.py").write_text('from config.settings import *\nMEDIA_ROOT = ""\n')
    edms.environment |= {
        "DJANGO_SETTINGS_MODULE": "bare",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(BACKEND)]),
    }
    told = edms.json("trigger_backup", "--type", "FULL", expect=3)
    assert told["status"] == "INCOMPLETE"
    assert '"references_missing": 1' in json.dumps(edms.json("backup_jobs", "--show", told["job"]))
    assert edms.json("trigger_backup", "--type", "DATABASE")["status"] == "COMPLETED"
