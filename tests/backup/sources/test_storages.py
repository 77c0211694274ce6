"""Storages of files, whatever class they are of: what has a path is local."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.storage import FileSystemStorage, Storage
from django.utils.functional import SimpleLazyObject

from apps.backup import conf
from apps.backup.errors import SettingsInvalid
from apps.backup.sources.file_references import NamedFiles, _file_field, reference_fields


class Wrapping(Storage):
    """No FileSystemStorage: it hands everything on to one, with something before each name."""

    def __init__(self, base, prefix=""):
        self.base, self.prefix = base, prefix

    def path(self, name):
        return self.base.path(self.prefix + name)


class Hashing(FileSystemStorage):
    """Its files lie where the names do not say."""

    def path(self, name):
        super().path(name)
        return super().path(hashlib.sha256(name.encode()).hexdigest())


class Remote(Storage):
    """As Django has it: no paths."""


class Failing(Storage):
    """It knows its folder only while a tenant is active, as within a request."""

    def path(self, name):
        raise RuntimeError("no tenant\nis active")


class Nowhere(Storage):
    def path(self, name):
        return None


def field_of(storage):
    model = SimpleNamespace(_meta=SimpleNamespace(label="app.Model", db_table="app_model"))
    return _file_field(model, SimpleNamespace(storage=storage, name="file", column="file", attname="file"))


@pytest.mark.parametrize(
    ("make", "inside"),
    [
        (FileSystemStorage, ""),
        (lambda base: SimpleLazyObject(lambda: FileSystemStorage(base)), ""),
        (lambda base: Wrapping(FileSystemStorage(base)), ""),
        (lambda base: Wrapping(SimpleLazyObject(lambda: FileSystemStorage(base)), "tenant/"), "tenant"),
    ],
)
def test_a_storage_is_local_where_it_has_paths(tmp_path, make, inside):
    found = field_of(make(str(tmp_path)))
    assert (found.location, found.path_of) == (str(tmp_path / inside) if inside else str(tmp_path), None)


def test_only_what_has_no_path_is_remote():
    assert field_of(Remote()).location is None


@pytest.mark.parametrize(
    ("storage", "reason"), [(Failing(), "no tenant is active"), (Nowhere(), "expected str, bytes or os.PathLike")]
)
def test_a_storage_whose_path_fails_is_named_with_the_reason(tmp_path, storage, reason):
    """The backup goes on: without rows nothing is missing."""
    field = field_of(storage)
    named = NamedFiles(tmp_path / "scratch", [field])
    named.add(field, ["a.pdf", "b.pdf"])
    facts, [(place, why)] = named.compare(lambda path: False)
    named.close()
    assert facts.missing == 2
    assert place.startswith(f"app.Model.file ({type(storage).__name__}, whose path() fails: {reason}")
    assert why == "its 2 files are not on a local disk and were not read"


def test_files_of_a_storage_that_hides_its_names_are_found(tmp_path):
    storage = Hashing(str(tmp_path))
    field = field_of(storage)
    assert field.location == str(tmp_path)
    named = NamedFiles(tmp_path / "scratch", [field])
    named.add(field, ["a.pdf", "b.pdf", "../refused.pdf"])
    named.add_read(storage.path("a.pdf").encode(), 1, owned=True)
    facts, missing = named.compare(lambda path: False)
    named.close()
    assert (facts.checked, facts.missing, facts.orphans) == (3, 2, 0)
    assert {path for path, _ in missing} == {storage.path("b.pdf"), f"{tmp_path.parent}/refused.pdf"}


def test_text_fields_have_a_folder_each_and_every_message_names_the_setting(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    store = tmp_path / "store"
    for name in ("media/a.pdf", "store/2026/b.pdf", "apart/c.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(store)
    configured = {"auth.User.first_name": None, "auth.User.last_name": store}
    media, stored = [one for one in reference_fields(configured) if one.storage == "text"]
    assert (media.location, stored.location) == (str(settings.MEDIA_ROOT), str(store))
    named = NamedFiles(tmp_path / "scratch", [media, stored])
    named.add(media, ["a.pdf", "lost.pdf", f"{tmp_path}/apart/c.pdf"])
    # Absolute ones may go by a link into a root.
    named.add(stored, ["2026/b.pdf", f"{tmp_path}/link/2026/b.pdf", "../gone.pdf", "\0/x"])
    for path in (settings.MEDIA_ROOT / "a.pdf", store / "2026/b.pdf"):
        named.add_read(str(path).encode(), 1, owned=False)
    facts, missing = named.compare(lambda path: False, [str(settings.MEDIA_ROOT).encode(), str(store).encode()])
    named.close()
    assert (facts.checked, facts.missing) == (7, 4)
    reasons = dict(missing)
    assert (
        "lies in no file root of this backup. Add its folder to BACKUP_FILE_ROOTS" in reasons[f"{tmp_path}/apart/c.pdf"]
    )
    assert f"start from {store}: give the right folder in BACKUP_REFERENCE_FIELDS" in reasons[f"{tmp_path}/gone.pdf"]
    assert reasons[f"{tmp_path}/media/lost.pdf"].endswith("is not there, or is never read")


def test_files_behind_links_are_in_the_backup_where_they_lie_or_the_setting_is_named(tmp_path):
    """A folder of the media on another disk, as people do when one is full: a link alone holds no documents."""
    media, disk = tmp_path / "media", tmp_path / "disk"
    media.mkdir()
    disk.mkdir()
    (disk / "1.png").touch()
    (media / "pages").symlink_to(disk)
    (media / "one.png").symlink_to(disk / "1.png")
    (media / "nowhere.png").symlink_to(disk / "gone.png")
    field = field_of(FileSystemStorage(str(media)))
    names = ["pages/1.png", "one.png", "nowhere.png", "pages/gone.png"]
    named = NamedFiles(tmp_path / "scratch", [field])
    named.add(field, names)
    facts, missing = named.compare(lambda path: False, [str(media).encode()])
    named.close()
    reasons = dict(missing)
    assert facts.missing == 4
    for name in names[:2]:
        asked = (
            f"it is a link to {disk}/1.png, which lies in no file root of this backup. Add its folder to BACKUP_FILE"
        )
        assert asked in reasons[f"{media}/{name}"]
    for name in names[2:]:
        assert reasons[f"{media}/{name}"].endswith("is not there, or is never read")

    # The folder is added, as the message asks.
    named = NamedFiles(tmp_path / "scratch", [field])
    named.add(field, names)
    named.add_read(str(disk / "1.png").encode(), 1, owned=False)
    assert [value for _, value in named.missing()] == names[2:]
    facts, missing = named.compare(lambda path: False, [str(media).encode(), str(disk).encode()])
    named.close()
    assert (facts.missing, facts.orphans) == (2, 0)
    assert {Path(path).name for path, _ in missing} == {"nowhere.png", "gone.png"}


@pytest.mark.parametrize("value", [{"auth.User.first_name": "relative"}, {1: "/srv"}, "auth.User.first_name", [3]])
def test_reference_fields_of_another_form(settings, value):
    settings.BACKUP_REFERENCE_FIELDS = value
    with pytest.raises(SettingsInvalid, match="BACKUP_REFERENCE_FIELDS"):
        conf.load()
