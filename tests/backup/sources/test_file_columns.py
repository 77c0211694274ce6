"""Columns of text whose values are files outside of every file root."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import msgspec
import pytest
from django.db import ConnectionHandler, models
from django.test.utils import isolate_apps
from tests.backup.testing.edms import BACKEND

from apps.backup.core.manifest import OutsideColumn
from apps.backup.doctor.settings_to_paste import with_fields, with_roots
from apps.backup.doctor.uncaptured import _advice, folder_findings, key_findings
from apps.backup.sources import uncaptured_files as file_columns
from apps.backup.sources.project_folders import base_dir
from apps.backup.sources.sample_rows import Column, Table, _read_end
from apps.backup.sources.uncaptured_files import _Search, still_outside

COLUMN = Column("archive.Scan.path", "path")


@pytest.fixture
def project(tmp_path, settings):
    """A project with documents in `storage`, code in `pages`, templates, static files, and its media."""
    base = tmp_path / "project"
    for name in (
        *(f"storage/2026/{number}.pdf" for number in range(5)),
        "media/a.pdf",
        "media/b.pdf",
        "media/c.pdf",
        "pages/__init__.py",
        "pages/page.html",
        "pages/uploads/u.pdf",
        "templates/blog/post.html",
        "collected/site.css",
        ".venv/x/y.txt",
        "README.md",
        "cache/x/y.bin",
        "backups/packages/p.tar.gz",
        "apart/q.pdf",
        *(f"customers/{name}/contract.pdf" for name in ("acme", "baker", "cohen")),
        *(f"vault/{name}" for name in ("3f2b", "4a3c", "5b4d")),
        "flat/x.pdf",
        "flat/y.pdf",
        "flat/z.pdf",
    ):
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    settings.BASE_DIR = settings.EDMS_HOME = base
    settings.MEDIA_ROOT = base / "media"
    settings.STATIC_ROOT = base / "collected"
    settings.CACHES = {"default": {"BACKEND": "x", "LOCATION": str(base / "cache")}}
    settings.BACKUP_STORAGE_ROOT = base / "backups"
    settings.BACKUP_NOT_BACKED_UP = [base / "apart"]
    settings.BACKUP_FILE_ROOTS = {}
    settings.BACKUP_REFERENCE_FIELDS = {}
    return base


STORED = [f"2026/{number}.pdf" for number in range(5)]


@pytest.mark.parametrize(
    ("values", "base", "folder"),
    [
        # From the project's folder, from a folder in it that no setting names, and absolute.
        ([f"storage/{name}" for name in STORED], "", "storage"),
        (STORED, "storage", "storage"),
        ([f"{{base}}/storage/{name}" for name in STORED], "storage", "storage"),
        # Among others that are no files any more, and among captured ones.
        ([f"storage/{name}" for name in STORED[:3]] + [f"storage/gone/{n}.pdf" for n in range(20)], "", "storage"),
        (["a.pdf", "b.pdf", "storage/2026/1.pdf"], "", "storage"),
        # Names without a folder, all of which are there.
        (["x.pdf", "y.pdf", "z.pdf"], "flat", "flat"),
        # One value only, which is a file.
        (["storage/2026/1.pdf", "", "no path"], "", "storage"),
        # Beside code lie no documents; in a folder of an application they may.
        (["pages/uploads/u.pdf"], "", "pages/uploads"),
        # A folder of documents for each row.
        (["{base}/storage/2026"], None, "storage"),
        (["storage/2026"], None, "storage"),
        # By its name alone, and files with names that have no ending; both are found if all are there, and several.
        (["acme", "baker", "cohen"], None, "customers"),
        (["3f2b", "4a3c", "5b4d"], "vault", "vault"),
    ],
)
def test_columns_that_name_files(project, values, base, folder):
    found = _Search.of_project().outside(COLUMN, [value.format(base=project) for value in values])
    assert found is not None
    # Columns that name folders cannot be compared file by file.
    assert found.base == ("" if base is None else str(project / base))
    assert found.folders == [str(project / folder)]
    assert all(Path(path).exists() for path in found.examples)


@pytest.mark.parametrize(
    "values",
    [
        ["a.pdf", "b.pdf", "c.pdf"],
        ["media/a.pdf", "media/b.pdf", "media/c.pdf"],
        ["{base}/media/a.pdf"],
        # Names without a folder of which some are not there: what something was called.
        ["x.pdf", "y.pdf", "z.pdf", "gone.pdf"],
        # Two of many: chance.
        ["storage/2026/1.pdf", "storage/2026/2.pdf", *(f"and/or {number}" for number in range(20))],
        ["pages/page.html", "pages/__init__.py"],
        ["blog/post.html", "templates/blog/post.html"],
        ["site.css", "collected/site.css"],
        [".venv/x/y.txt"],
        ["README.md"],
        ["x/y.bin", "cache/x/y.bin"],
        ["p.tar.gz", "backups/packages/p.tar.gz"],
        ["q.pdf", "apart/q.pdf"],
        ["/etc/hosts", "/etc/passwd", "/proc/cpuinfo"],
        [os.__file__],
        ["https://example.com/a.pdf", "text/html", "", "/", "a\nb/c.pdf", "x" * 5000 + "/a.pdf", "\x00/a.pdf"],
        ["storage", "media/../storage/2026/", "/storage", "/storage/2026/"],
        ["acme", "baker"],
        ["acme", "baker", "cohen", "dupont"],
        ["acme", "baker", "cohen", "3f2b"],
        ["storage", "flat", "media", "customers"],
        # A folder that holds the media or the project, one with code, and one without a file.
        ["{base}", "{base}/media/..", "{base}/pages", "{base}/storage", "/usr/share/doc"],
    ],
)
def test_columns_that_name_no_files(project, values):
    assert _Search.of_project().outside(COLUMN, [value.format(base=project) for value in values]) is None


def test_texts_in_json_and_links_out_of_a_root(project):
    document = json.dumps({"pages": [{"file": "storage/2026/1.pdf", "number": 1}], "note": "as it stands"})
    column = Column("archive.Scan.facts", "facts", is_json=True)
    assert _Search.of_project().outside(column, ['{"name": "x.pdf"}']) is None
    for one in (column, COLUMN):
        # In a column of text, too.
        found = _Search.of_project().outside(one, [document, "{"])
        assert found is not None
        assert (found.base, found.folders) == ("", [str(project / "storage")])
    (project / "media/link.pdf").symlink_to(project / "storage/2026/1.pdf")
    found = _Search.of_project().outside(COLUMN, ["link.pdf"])
    assert found is not None
    assert found.examples == [str(project / "storage/2026/1.pdf")]


def test_lists_of_paths_are_read_though_they_are_long(tmp_path, django_db_blocker):
    """In JSON and in columns of text; other texts of that length are not read."""
    paths = json.dumps([f"/srv/attachments/{number}.pdf" for number in range(100)])
    table = Table("archive.Scan", "scan", ("id",), (COLUMN,))
    databases = ConnectionHandler({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "scans"}})
    with django_db_blocker.unblock(), contextlib.closing(databases["default"]) as wrapper, wrapper.cursor() as cursor:
        cursor.execute("CREATE TABLE scan (id integer, path text)")
        cursor.executemany("INSERT INTO scan VALUES (%s, %s)", enumerate([paths, "x" * 2000, "[" * 20_000, "a.pdf"]))
        rows = _read_end(wrapper, cursor, table, [COLUMN], "ASC")
    assert [row[0] for row in rows] == [paths, None, None, "a.pdf"]


def test_names_that_are_no_text_can_be_told(project):
    """They go into the manifest and into the row of the job."""
    folder = project / os.fsdecode(b"st\xffre")
    folder.mkdir()
    (folder / "a.pdf").touch()
    found = _Search.of_project().outside(COLUMN, [os.fsdecode(b"st\xffre/a.pdf")])
    assert found is not None
    assert json.loads(msgspec.json.encode(found))["folders"] == [f"{project}/st?re"]


def test_a_field_of_paths_says_where_they_start(project, tmp_path, monkeypatch):
    """Anywhere on the machine, with or without a folder, and by a function."""
    far = tmp_path / "far"
    far.mkdir()
    (far / "f.pdf").touch()
    assert _Search.of_project().outside(COLUMN, ["f.pdf"]) is None
    with isolate_apps("apps.documents") as registry:

        class Scan(models.Model):
            plain = models.FilePathField()
            of_a_tenant = models.FilePathField(path=lambda: {}["no tenant is active"])
            chosen = models.FilePathField(path=lambda: str(far))

            class Meta:
                app_label = "documents"

        monkeypatch.setattr(file_columns, "apps", registry)
        found = _Search.of_project().outside(COLUMN, ["f.pdf"])
    assert found is not None
    assert (found.base, found.folders) == (str(far), [str(far)])


@pytest.mark.parametrize("form", ["/storage/{}", "file://{project}/storage/{}"])
def test_addresses_of_files_are_found_and_cannot_be_compared(project, settings, form):
    """A web site's own addresses, and those with a scheme; in a project without BASE_DIR, too."""
    values = [form.format(name, project=project) for name in STORED]
    found = _Search.of_project().outside(COLUMN, values)
    assert found is not None
    assert (found.base, found.folders) == ("", [str(project / "storage")])
    # As all that is beside the settings' package, and not in it.
    del settings.BASE_DIR
    assert base_dir() == BACKEND


def test_folders_that_hold_more_than_documents_are_not_proposed(project, settings):
    """From the folder that holds everything, or from one with a file root in it, only the folder below is."""
    settings.MEDIA_ROOT = project / "storage/media"
    settings.MEDIA_ROOT.mkdir()
    # Outside of the project neither: there the folder above both may hold the backups.
    far = project.parent / "far"
    for name in ("letters/a/1.pdf", "letters/b/2.pdf", "contracts/3.pdf"):
        (far / name).parent.mkdir(parents=True)
        (far / name).touch()
    settings.BACKUP_STORAGE_ROOT = far / "backups"
    names = [f"{far}/letters/a/1.pdf", f"{far}/letters/b/2.pdf", f"{far}/contracts/3.pdf"]
    found = _Search.of_project().outside(COLUMN, names)
    assert found is not None
    assert found.folders == [str(far / "contracts"), str(far / "letters")]
    found = _Search.of_project().outside(COLUMN, [f"{project}/storage/{name}" for name in STORED])
    assert found is not None
    assert found.folders == [str(project / "storage/2026")]


def test_settings_as_they_are_pasted(project, settings):
    settings.BACKUP_FILE_ROOTS = {"storage": project / "elsewhere"}
    settings.BACKUP_REFERENCE_FIELDS = ["auth.User.first_name"]
    roots = with_roots([project / "storage", Path('/srv/the "scans"')])
    fields = with_fields({"archive.Scan.path": project})
    assert roots == (
        'BACKUP_FILE_ROOTS = {"storage": BASE_DIR / "elsewhere", "storage-2": BASE_DIR / "storage",'
        ' "the \\"scans\\"": "/srv/the \\"scans\\""}'
    )
    assert fields == 'BACKUP_REFERENCE_FIELDS = {"auth.User.first_name": None, "archive.Scan.path": BASE_DIR}'
    pasted: dict[str, object] = {"BASE_DIR": project}
    exec(f"{roots}\n{fields}", pasted)
    assert pasted["BACKUP_FILE_ROOTS"]["storage-2"] == project / "storage"
    settings.BASE_DIR = str(project)
    assert with_fields({"archive.Scan.path": project}).endswith(f'"archive.Scan.path": "{project}"}}')


def test_findings_end_with_the_settings_they_ask_for(project, settings):
    """Findings of a backup are compared with today's settings."""
    column = OutsideColumn(
        label="auth.User.first_name",
        sampled=9,
        outside=9,
        examples=[str(project / "storage/2026/1.pdf")],
        base=str(project),
        folders=[str(project / "storage")],
    )
    assert still_outside(column)
    settings.BACKUP_NOT_BACKED_UP = [project / "storage"]
    assert not still_outside(column)
    settings.BACKUP_NOT_BACKED_UP = [project / "storage/2026"]
    settings.BACKUP_FILE_ROOTS = {"storage": project / "storage"}
    assert not still_outside(column)
    settings.BACKUP_FILE_ROOTS = {"apart": project / "apart"}
    assert still_outside(column)
    # To compare the files does not take them into the backup.
    settings.BACKUP_REFERENCE_FIELDS = {"auth.User.first_name": project}
    assert still_outside(column)


def test_advice_says_what_values_that_lead_nowhere_would_bring(project):
    """Pasted as it stands, it would make each backup INCOMPLETE."""
    whole, past = (
        OutsideColumn(label=label, sampled=9, outside=outside, examples=[], base=str(project), folders=[])
        for label, outside in (("auth.User.first_name", 9), ("auth.User.last_name", 4))
    )
    assert "INCOMPLETE" not in _advice([whole], [])
    advice = _advice([whole, past], [])
    assert "Not all values of auth.User.last_name lead to such files." in advice
    assert "If that is expected, leave it out of BACKUP_REFERENCE_FIELDS" in advice


def proposed(settings, **values):
    """The findings W046 with these settings, by the setting that they name."""
    for name, value in values.items():
        setattr(settings, name, value)
    return {one.subject: f"{one.what} {one.hint}" for one in folder_findings()}


def folder_settings(project, storages):
    """Make folders of a host, and return settings that name them."""
    for name in ("inbox/new.pdf", "index/main_1.toc", "conf/mail.yml", "empty/in/", "logs/app.log", "own/__init__.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            (project / name).touch()
    return {
        "INBOX": str(project / "inbox"),
        "HAYSTACK": {"default": {"ENGINE": "whoosh", "PATH": project / "index"}},
        "CONFIGURATION_FOLDERS": [project / "conf"],
        "VAULT_DIR": "vault",
        "CUSTOMERS": "./customers",
        # A word, and no folder.
        "THEME": "storage",
        # None of these is the host's data, or is in no backup.
        "EMPTY": project / "empty",
        "LOG_FOLDER": project / "logs",
        "MODEL_CACHE": project / "storage",
        "OWN": project / "own",
        "WHOLE": project,
        "STORED": project / "backups/packages",
        "PAPERS": project / "media",
        "COLLECTED": project / "collected",
        "APART": project / "apart",
        "FARAWAY": "/etc",
        "ADDRESS": "/login/",
        "STORAGES": {
            **storages,
            "vault": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": project / "flat"},
            },
        },
        "INBOX_OF_USER": project / "inbox/new.pdf",
    }


def test_folders_that_settings_name_are_proposed(project, settings):
    """An inbox, a search index, configuration: settings name them, and no file root holds them."""
    found = proposed(settings, **folder_settings(project, settings.STORAGES))
    vault = "STORAGES['vault']['OPTIONS']['location']"
    assert set(found) == {
        "INBOX",
        "HAYSTACK['default']['PATH']",
        "CONFIGURATION_FOLDERS",
        vault,
        "VAULT_DIR",
        "CUSTOMERS",
    }
    settings.BACKUP_FILE_ROOTS = {name: project / name for name in ("flat", "vault", "customers")}
    assert 'Add `"inbox": BASE_DIR / "inbox"` to BACKUP_FILE_ROOTS.' in found["INBOX"]
    assert 'add `BASE_DIR / "index"` to BACKUP_NOT_BACKED_UP' in found["HAYSTACK['default']['PATH']"]
    # The outer one of two is enough; what is settled is not named again.
    assert set(proposed(settings, ABOVE=project / "conf", CONFIGURATION_FOLDERS=[project / "conf/deep"])) == {
        "ABOVE",
        "INBOX",
        "HAYSTACK['default']['PATH']",
    }
    settings.BACKUP_FILE_ROOTS["inbox"] = project / "inbox"
    settings.BACKUP_NOT_BACKED_UP = [project / "index", project / "conf", project / "apart"]
    assert proposed(settings) == {}
    # Beside MEDIA_ROOT, where the documents lie elsewhere than the project, and on a disk of their own.
    settings.BASE_DIR = project / "pages"
    settings.BACKUP_NOT_BACKED_UP = []
    vault = project.parent / "disk/safe"
    vault.mkdir(parents=True)
    (vault / "3f2b").touch()
    shared = {"HOME_FOLDER": Path.home(), "DISKS": "/mnt", "TESSDATA": "/usr/share", "TOP": "/", "TEMPORARY": "/tmp"}
    found = proposed(settings, VAULT=str(vault), ABOVE_PROJECT=project.parent, **shared)
    assert set(found) == {"ABOVE", "APART", "HAYSTACK['default']['PATH']", "VAULT"}
    assert f'Add `"safe": "{vault}"` to BACKUP_FILE_ROOTS.' in found["VAULT"]


def test_keys_that_settings_name_are_proposed(project, tmp_path, settings):
    """Without the key of encrypted fields, or of signed tokens, the rows are of little use."""
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("fields.key", "sign.pem", "mail.pem", "site.pem", "version"):
        (keys / name).touch()
    settings.FIELD_KEY_FILE = keys / "fields.key"
    settings.SAML = {"signing": {"key": str(keys / "sign.pem")}}
    settings.EMAIL_CERTIFICATE_FILE = str(keys / "mail.pem")
    settings.SITE_CERT = str(keys / "site.pem")
    settings.VERSION_FILE = keys / "version"
    settings.CA_CERTS = "/etc/ssl/certs/ca-certificates.crt"
    settings.API_KEY = "no path"
    settings.BACKUP_FACT_FILES = [keys / "mail.pem"]
    settings.BACKUP_NOT_BACKED_UP = [keys / "site.pem"]
    found = {one.subject: one.hint for one in key_findings()}
    assert set(found) == {"FIELD_KEY_FILE", "SAML['signing']['key']"}
    assert f'Add `"{keys}/fields.key"` to BACKUP_FACT_FILES' in found["FIELD_KEY_FILE"]
