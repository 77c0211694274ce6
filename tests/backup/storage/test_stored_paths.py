"""Storage paths stay inside their roots, and what is encrypted is never mixed with what is not."""

import contextlib
import os
import resource
import signal
import sqlite3
import uuid
from pathlib import Path

import pytest

from apps.backup import conf
from apps.backup.errors import SettingsInvalid, StorageBusy, StorageFull, StorageRefused
from apps.backup.storage import locations as storage
from apps.backup.storage import private_files, staging
from strongroom.errors import NoRepository, PassphraseError, WrongPassphrase


@pytest.fixture
def root(settings, tmp_path) -> Path:
    path = tmp_path / "vault"
    settings.BACKUP_STORAGE_ROOT = path
    return path


@pytest.fixture
def passphrase(monkeypatch):
    monkeypatch.delenv("BACKUP_PASSWORD_FILE", raising=False)
    monkeypatch.delenv("BACKUP_PASSWORD_COMMAND", raising=False)
    monkeypatch.setenv("BACKUP_PASSWORD", "geheim")


def test_paths_inside_are_taken(root, settings, tmp_path):
    settings.BACKUP_STORAGE_ROOTS = [tmp_path / "other"]
    assert storage.resolve_place("", encrypted=True).path == root / "repository"
    assert storage.resolve_place("a/b", encrypted=False).path == root / "a/b/repository-unencrypted"
    assert storage.resolve_place("a/../b", encrypted=True).storage == root / "b"
    assert storage.resolve_place(str(tmp_path / "other/x"), encrypted=True).storage == tmp_path / "other/x"
    assert not root.exists()


@pytest.mark.parametrize("path", ["..", "../vault2", "a/../../x", "/", "/etc", "x\0y", "../vault/../vaultlike"])
def test_paths_that_leave_are_refused(root, path):
    with pytest.raises(StorageRefused):
        storage.resolve_place(path, encrypted=True)


KEPT_FOR_ITSELF = [
    "staging",
    "staging/x",
    "uploads",
    "restores/x",
    "restored/x",
    "packages",
    "repository",
    "team/repository/snapshots",
    "repository-unencrypted",
    ".repository.new",
    "alias/x",
]


@pytest.mark.parametrize("path", KEPT_FOR_ITSELF)
def test_no_backup_goes_where_the_system_works(root, path):
    """The next job removes whatever lies in `staging`, and with it a repository that was made there."""
    root.mkdir()
    (root / "alias").symlink_to("staging")
    with pytest.raises(StorageRefused, match="keeps for itself"):
        storage.choose_place(path, encrypted=True)
    # An existing repository there can be read.
    assert storage.resolve_place(path, encrypted=True).storage == (root / path).resolve()


def test_names_like_those_are_free_elsewhere(root, settings, tmp_path):
    settings.BACKUP_STORAGE_ROOTS = [tmp_path / "other"]
    settings.BACKUP_RESTORE_ROOT = tmp_path
    for path in ("", "team/staging", "repositories", ".hidden", str(tmp_path / "other/uploads")):
        assert storage.choose_place(path, encrypted=True) == storage.resolve_place(path, encrypted=True)


@pytest.mark.parametrize("path", ["a" * 256, "team/" + "\N{GRINNING FACE}" * 64])
def test_a_name_that_no_folder_can_have_is_refused(root, path):
    with pytest.raises(StorageRefused, match="255 bytes"):
        storage.resolve_place(path, encrypted=True)


@pytest.mark.parametrize("path", ["taken", "taken/x"])
def test_a_file_in_the_way_is_named(root, passphrase, path):
    root.mkdir()
    (root / "taken").write_text("a log")
    with pytest.raises(StorageRefused, match="taken"):
        storage.resolve_place(path, encrypted=True).open_or_init()
    assert (root / "taken").read_text() == "a log"


def test_a_link_that_leaves_is_refused(root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "team").mkdir(parents=True)
    (root / "away").symlink_to(outside)
    (root / "team" / "repository").symlink_to(outside)
    for path in ("away", "away/deeper", "team"):
        with pytest.raises(StorageRefused, match="outside"):
            storage.resolve_place(path, encrypted=True)
    assert storage.resolve_place("team", encrypted=False).storage == root / "team"


def test_a_link_that_stays_is_followed(root):
    (root / "real").mkdir(parents=True)
    (root / "alias").symlink_to("real")
    assert storage.resolve_place("alias", encrypted=True).storage == root / "real"


def test_a_link_made_meanwhile_is_refused(root, tmp_path):
    place = storage.resolve_place("late", encrypted=True)
    (tmp_path / "outside").mkdir()
    root.mkdir()
    (root / "late").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageRefused, match="link"):
        private_files.make_private_folder(place.storage)


def test_a_repository_is_made_once_for_its_owner_only(root, passphrase):
    place = storage.resolve_place("team", encrypted=True)
    with pytest.raises(NoRepository):
        place.open()
    before = os.umask(0)
    try:
        made = place.open_or_init()
    finally:
        os.umask(before)
    assert place.open_or_init().id == made.id
    for folder in (root, root / "team", place.path):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_leavings_of_a_killed_init_are_in_nobodys_way(root, passphrase):
    place = storage.resolve_place("", encrypted=True)
    half = root / ".repository.new"
    (half / "keys").mkdir(parents=True)
    (half / "keys" / "0123").write_text("half a key")
    assert place.open_or_init().id == place.open().id
    assert not half.exists()


def test_files_without_a_config_are_not_overwritten(root, passphrase):
    place = storage.resolve_place("", encrypted=True)
    (place.path / "data").mkdir(parents=True)
    with pytest.raises(StorageRefused, match="config"):
        place.open_or_init()
    assert [path.name for path in place.path.iterdir()] == ["data"]


def test_encrypted_and_plain_lie_apart(root, passphrase, monkeypatch):
    sealed = storage.resolve_place("", encrypted=True)
    plain = storage.resolve_place("", encrypted=False)
    assert sealed.open_or_init().id != plain.open_or_init().id
    monkeypatch.setenv("BACKUP_PASSWORD", "another")
    with pytest.raises(WrongPassphrase):
        sealed.open()
    monkeypatch.delenv("BACKUP_PASSWORD")
    with pytest.raises(PassphraseError):
        sealed.open()
    plain.open()


def test_every_repository_is_found_without_the_database(root, passphrase, settings, tmp_path):
    settings.BACKUP_STORAGE_ROOTS = [tmp_path / "other"]
    deep = "1/2/3/4/5/6/7/8"
    wanted = [
        storage.resolve_place(path, encrypted=encrypted)
        for path, encrypted in (("", True), ("a/b", False), (str(tmp_path / "other/c"), True), (deep, False))
    ]
    for place in wanted:
        (place.path).mkdir(parents=True)
        (place.path / "config").write_bytes(b"x")
    (root / "empty" / "repository").mkdir(parents=True)
    assert storage.known_places() == sorted(wanted[:3])
    assert storage.known_places([deep]) == sorted(wanted)


def test_staged_data_of_dead_jobs_is_removed(root):
    job = uuid.uuid4()
    with staging.staging_folder(job) as live:
        (live / "copy.sqlite3").write_text("rows")
        dead = root / "staging" / "dead-job"
        (dead / "data").mkdir(parents=True)
        (dead / ".held").touch()
        with staging.staging_folder(uuid.uuid4()) as other:
            assert other.is_dir()
            assert not dead.exists()
            assert (live / "copy.sqlite3").read_text() == "rows"
            assert live.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (root / "staging").iterdir()] == [".held"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BACKUP_STORAGE_ROOT", None),
        ("BACKUP_STORAGE_ROOT", "relative"),
        ("BACKUP_STORAGE_ROOT", 7),
        ("BACKUP_STORAGE_ROOTS", "/tmp"),
        ("BACKUP_EXECUTOR", "celery?"),
        ("BACKUP_FILE_ROOTS", {"a/b": "/tmp"}),
        ("BACKUP_FILE_ROOTS", ["/tmp"]),
        ("BACKUP_SECRETS", [3]),
    ],
)
def test_a_wrong_setting_is_named(root, settings, name, value):
    setattr(settings, name, value)
    with pytest.raises(SettingsInvalid, match=name):
        conf.load()


@contextlib.contextmanager
def file_limit(size: int):
    """No file of this process grows larger, which is how a full disk looks to one file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def write_too_much(folder: Path) -> None:
    with file_limit(5000):
        (folder / "copy").write_bytes(bytes(10_000))


def write_too_many_rows(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "named.sqlite3")) as database:
        database.execute("PRAGMA max_page_count = 2")
        database.execute("CREATE TABLE names (name)")
        database.execute("INSERT INTO names VALUES (zeroblob(20000))")


@pytest.mark.parametrize("write", [write_too_much, write_too_many_rows])
def test_a_full_disk_under_the_working_folder_is_named(root, write):
    named = pytest.raises(StorageFull, match=f"no space left in {root}/staging.*Make room")
    with named, staging.staging_folder(uuid.uuid4()) as folder:
        write(folder)
    assert [path.name for path in (root / "staging").iterdir()] == [".held"]


def test_obstacles_to_locks_and_repositories_are_named(root, passphrase):
    (root / ".repository.lock").mkdir(parents=True)
    place = storage.resolve_place("", encrypted=True)
    with pytest.raises(StorageRefused, match=r"\.repository\.lock' cannot be opened .* the space there"):
        place.open_or_init()
    (root / ".repository.lock").rmdir()
    (root / ".repository.new").symlink_to("absent")
    with pytest.raises(StorageRefused, match=r"\.repository\.new' leads elsewhere .* remove the link"):
        place.open_or_init()


def test_other_errors_pass_through(root):
    with pytest.raises(FileNotFoundError), staging.staging_folder(uuid.uuid4()) as folder:
        (folder / "absent").read_bytes()


def test_a_stopped_process_that_holds_a_file_lock_is_named_and_not_waited_for_without_end(tmp_path):
    path = tmp_path / ".repository.lock"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with private_files.hold_lock_file(path):
            os.write(writing, b".")
            signal.pause()
        os._exit(0)
    try:
        assert os.read(reading, 1) == b"."
        os.kill(child, signal.SIGSTOP)
        with (
            pytest.raises(StorageBusy, match=rf"by process {child} on .* since .*kill -CONT") as caught,
            private_files.hold_lock_file(path, patience=0.2),
        ):
            pass
        assert caught.value.retryable
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
    with private_files.hold_lock_file(path, patience=5):
        assert path.read_text().startswith(f"process {os.getpid()} on ")


def test_no_file_lock_is_waited_for_without_end():
    """A process that is stopped keeps its locks."""
    waiting = [
        path.name
        for path in Path(storage.__file__).parent.parent.parent.rglob("*.py")
        for line in path.read_text().splitlines()
        if "flock(" in line and "LOCK_EX" in line and "LOCK_NB" not in line
    ]
    assert waiting == []
