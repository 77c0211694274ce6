"""Which repository a backup goes to, and how it is opened.

A storage path holds up to two repositories side by side, never mixed: `repository`, encrypted under the passphrase,
and `repository-unencrypted`, whose passphrase is empty. Every storage path is resolved, links and all, and must lie
inside one of the allowed roots.
"""

import contextlib
import dataclasses
import fcntl
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from strongroom.backends import open_backend
from strongroom.errors import RepositoryLocked
from strongroom.passphrase import NO_PASSPHRASE, Passphrase, read_passphrase
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock

from . import conf
from .errors import StorageBusy, StorageRefused
from .file_locks import lock_within

ENCRYPTED = "repository"
UNENCRYPTED = "repository-unencrypted"
PACKAGES = "packages"
PLAIN_PACKAGE = ".tar.gz"
SEALED_PACKAGE = ".tar.gz.gpg"

_UNFINISHED = ".{}.new"
"""A repository while it is made; what a killed attempt left is removed by the next."""
_INSIDE_A_STORAGE = frozenset({ENCRYPTED, UNENCRYPTED, PACKAGES, *map(_UNFINISHED.format, (ENCRYPTED, UNENCRYPTED))})
_WORKING_FOLDERS = ("staging", "restores", "uploads")
"""In the main storage; what lies in `staging` is removed by the next job."""
_LONGEST_NAME = 255
"""Bytes; no file system takes more."""
_SCAN_DEPTH = 6
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?//")
_FILE_PATIENCE = 60.0
"""Seconds that a file lock is waited for; what it protects takes much less."""
_FILE_PAUSE = 0.05
_LONGEST_HOLDER = 300
_LOCK_PAUSE = 2.0
"""Seconds between two looks at a lock that others hold."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class RepositoryPlace:
    """Where one repository lies or would lie; `storage` is resolved and inside an allowed root."""

    storage: Path
    encrypted: bool

    @property
    def path(self) -> Path:
        return self.storage / (ENCRYPTED if self.encrypted else UNENCRYPTED)

    @property
    def storage_path(self) -> str:
        """As configurations have it: relative to BACKUP_STORAGE_ROOT where it lies inside, else absolute."""
        main = conf.load().storage_root.resolve()
        if self.storage == main:
            return ""
        return str(self.storage.relative_to(main)) if self.storage.is_relative_to(main) else str(self.storage)

    def exists(self) -> bool:
        """True if something that looks like a repository is there."""
        return (self.path / "config").is_file()

    def holds(self, storage_path: str, *, encrypted: bool) -> bool:
        """True if that is where backups with this storage path go; a path that is allowed no more goes nowhere."""
        try:
            return resolve_place(storage_path, encrypted=encrypted) == self
        except StorageRefused:
            return False

    def passphrase(self) -> Passphrase:
        """What opens it; raises `PassphraseError` if it is encrypted and there is no passphrase."""
        return read_passphrase() if self.encrypted else NO_PASSPHRASE

    def open(self) -> Repository:
        """Open the repository that is there; raises the engine's errors, such as `NoRepository`."""
        passphrase = self.passphrase()
        return Repository.open(open_backend(self.path), passphrase.reveal())

    def open_or_init(self) -> Repository:
        """Open the repository, or make it if there is none. Only the owner may read what is made."""
        if not self.exists():
            passphrase = self.passphrase()
            make_private_folder(self.storage)
            made = _init(self.path, passphrase)
            if made is not None:
                return made
        return self.open()


def _init(path: Path, passphrase: Passphrase) -> Repository | None:
    """Make the repository beside its place and move it there whole: what a killed attempt leaves is in nobody's way.

    None if somebody else has made it meanwhile.
    """
    with locked(path.parent / f".{path.name}.lock"):
        if (path / "config").exists():
            return None
        new = path.parent / _UNFINISHED.format(path.name)
        if new.exists():
            shutil.rmtree(new)
        make_private_folder(new)
        made = Repository.init(open_backend(new), passphrase.reveal())
        try:
            new.rename(path)
        except OSError as error:
            raise StorageRefused(
                f"The folder {str(path)!r} holds files but no repository ({error.strerror}); move them away, or put the"
                " missing file `config` back."
            ) from error
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return made.moved_to(open_backend(path))


@contextlib.contextmanager
def locked(path: Path, *, patience: float = _FILE_PATIENCE) -> Iterator[None]:
    """Hold an exclusive lock on a file, made if it is missing, while the block runs; it dies with its process.

    Raises `StorageRefused` if there is no file to be had, and `StorageBusy`, which names the holder, when another
    process holds the lock for longer than `patience` seconds.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StorageRefused(
            f"The file {str(path)!r} cannot be opened ({error.strerror}); check the rights and the space there."
        ) from error
    try:
        _wait_for_lock(descriptor, path, patience)
        _write_holder(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, path: Path, patience: float) -> None:
    try:
        lock_within(descriptor, fcntl.LOCK_EX, seconds=patience, pause=_FILE_PAUSE)
    except TimeoutError as error:
        holder = os.pread(descriptor, _LONGEST_HOLDER, 0).decode("utf-8", "replace") or "another process"
        raise StorageBusy(
            f"The file {str(path)!r} is locked for more than {patience:.0f} seconds by {holder}. If that"
            " process is stopped, continue it (`kill -CONT`) or end it; then run this again."
        ) from error


def _write_holder(descriptor: int) -> None:
    """Say in the file who holds its lock, for those who wait in vain. On a full disk the lock holds without that."""
    text = f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def lock_patiently(
    repository: Repository,
    *,
    seconds: float,
    waiting: Callable[[], None],
    exclusive: bool = False,
    optional: bool = False,
) -> RepositoryLock:
    """The repository's lock, waited for while others hold one that excludes it; `waiting` is called before each pause.

    Raises `RepositoryLocked` when they still do after so many seconds.
    """
    patience = time.monotonic() + seconds
    while True:
        try:
            return repository.lock(exclusive=exclusive, optional=optional)
        except RepositoryLocked:
            if time.monotonic() >= patience:
                raise
        waiting()
        time.sleep(_LOCK_PAUSE)


def without_lock(lock: RepositoryLock) -> list[str]:
    """A note for the user where a repository is read without a lock, since none can be written there."""
    if not lock.obstacle:
        return []
    return [
        "the repository is read without a lock, since none can be written; nothing may prune it meanwhile:"
        f" {lock.obstacle}"
    ]


def resolve_place(storage_path: str, *, encrypted: bool) -> RepositoryPlace:
    """The repository for a configuration's `storage_path`, which is absolute or relative to BACKUP_STORAGE_ROOT.

    Nothing is created. Raises `StorageRefused` if the path, with all links followed, leaves the allowed roots.
    """
    settings = conf.load()
    if "\0" in storage_path or not storage_path.isprintable():
        raise StorageRefused("The storage path holds characters that cannot be printed; give a path without them.")
    if _ADDRESS.match(storage_path):
        # As a relative path it would be a folder of a strange name; nothing here ever follows an address.
        raise StorageRefused(
            f"The storage path {storage_path!r} is an address; a storage path is a folder in BACKUP_STORAGE_ROOT."
        )
    if any(len(os.fsencode(name)) > _LONGEST_NAME for name in storage_path.split("/")):
        raise StorageRefused(
            f"The storage path {storage_path!r} has a name of more than {_LONGEST_NAME} bytes, which no folder has."
        )
    storage = (settings.storage_root / storage_path).resolve()
    _require_inside(storage, settings.roots, storage_path)
    place = RepositoryPlace(storage=storage, encrypted=encrypted)
    _require_inside(place.path.resolve(), settings.roots, str(place.path))
    return place


def choose_place(storage_path: str, *, encrypted: bool) -> RepositoryPlace:
    """The same, for backups that are to go there: not into a repository, among packages, or where we work.

    What has come to lie there before can still be read. Raises `StorageRefused`.
    """
    place = resolve_place(storage_path, encrypted=encrypted)
    settings = conf.load()
    main, *others = [root.resolve() for root in settings.roots]
    ours = [main / name for name in _WORKING_FOLDERS]
    restored = settings.restore_root.resolve()
    if any(root in restored.parents for root in (main, *others)):
        ours.append(restored)
    inside = {
        name
        for root in (main, *others)
        if place.storage.is_relative_to(root)
        for name in place.storage.relative_to(root).parts
    }
    if inside & _INSIDE_A_STORAGE or any(place.storage.is_relative_to(folder) for folder in ours):
        raise StorageRefused(
            f"The storage path {storage_path!r} leads into a folder that the backup system keeps for itself; choose"
            " another name."
        )
    return place


def _require_inside(path: Path, roots: Iterable[Path], shown: str) -> None:
    allowed = [root.resolve() for root in roots]
    if not any(path == root or path.is_relative_to(root) for root in allowed):
        raise StorageRefused(
            f"The storage path {shown!r} leads to {str(path)!r}, which lies outside of"
            f" {', '.join(repr(str(root)) for root in allowed)}; choose a path inside, or allow its folder in"
            " BACKUP_STORAGE_ROOTS."
        )


def make_private_folder(path: Path) -> None:
    """Make the folder and those above it that are missing, each readable by its owner only.

    The path must be resolved: a link that appeared on the way since then is refused with `StorageRefused`.
    """
    try:
        for folder in reversed([path, *path.parents]):
            if not folder.exists():
                # Another process may make it at the same moment.
                with contextlib.suppress(FileExistsError):
                    folder.mkdir(mode=0o700)
    except OSError as error:
        raise StorageRefused(
            f"The folder {str(path)!r} cannot be made ({error.strerror}); check the rights and the space there."
        ) from error
    if path.exists() and not path.is_dir():
        raise StorageRefused(f"There is a file at {str(path)!r} and no folder; choose another path.")
    if path.resolve() != path:
        raise StorageRefused(f"The folder {str(path)!r} leads elsewhere through a link; remove the link.")


def known_places(storage_paths: Iterable[str] = ()) -> list[RepositoryPlace]:
    """Every repository that exists under the allowed roots, found without the database.

    `storage_paths` of configurations are looked at besides: they may lie deeper than the search goes.
    """
    found: set[RepositoryPlace] = set()
    settings = conf.load()
    for root in settings.roots:
        found.update(_scan(root.resolve(), _SCAN_DEPTH, without=settings.restore_root.resolve()))
    for storage_path in storage_paths:
        for encrypted in (True, False):
            place = resolve_place(storage_path, encrypted=encrypted)
            if place.exists():
                found.add(place)
    return sorted(found)


def known_packages(storage_paths: Iterable[str] = ()) -> list[Path]:
    """Every package that lies beside a known repository, under an allowed root or at a configuration's storage path."""
    found = (path for folder in package_folders(storage_paths) for path in folder.glob("*.tar.gz*"))
    # What is still written begins with a dot, and ends in another way.
    return sorted(path for path in found if path.name.endswith((PLAIN_PACKAGE, SEALED_PACKAGE)) and path.is_file())


def package_folders(storage_paths: Iterable[str] = ()) -> list[Path]:
    """Where those packages lie; a folder may not exist yet."""
    storages = {root.resolve() for root in conf.load().roots}
    storages.update(place.storage for place in known_places(storage_paths))
    storages.update(resolve_place(path, encrypted=False).storage for path in storage_paths)
    return sorted(storage / PACKAGES for storage in storages)


def is_stored_package(path: Path) -> bool:
    """True if a package lies where jobs put theirs, in a folder of an allowed root; with links followed."""
    return is_package_folder(path.resolve().parent)


def is_package_folder(folder: Path) -> bool:
    """True if jobs put their packages there: a folder of that name in an allowed root; with links followed."""
    resolved = folder.resolve()
    roots = conf.load().roots
    return resolved.name == PACKAGES and any(resolved.is_relative_to(root.resolve()) for root in roots)


def _scan(folder: Path, depth: int, *, without: Path) -> Iterator[RepositoryPlace]:
    # What was restored may hold anything, a repository too, and is none of ours.
    if folder == without:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageRefused(
            f"The folder {str(folder)!r} cannot be searched for repositories ({error.strerror}); check its rights."
        ) from error
    for entry in entries:
        if entry.name in {ENCRYPTED, UNENCRYPTED}:
            place = RepositoryPlace(storage=folder, encrypted=entry.name == ENCRYPTED)
            if place.exists():
                yield place
        elif depth > 0 and entry.is_dir(follow_symlinks=False):
            yield from _scan(Path(entry.path), depth - 1, without=without)
