"""Resolve a storage path to a repository, and open or make the repository.

A storage path holds up to two repositories side by side: `repository`, encrypted with the passphrase, and
`repository-unencrypted`, whose passphrase is empty. Each storage path is resolved with all its links, and must lie
inside one of the allowed roots.
"""

import dataclasses
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from strongroom.backends import open_backend
from strongroom.passphrase import NO_PASSPHRASE, Passphrase, read_passphrase
from strongroom.repository import Repository

from .. import conf
from ..errors import StorageRefused
from .private_files import hold_lock_file, make_private_folder

ENCRYPTED = "repository"
UNENCRYPTED = "repository-unencrypted"
PACKAGES = "packages"
PLAIN_PACKAGE = ".tar.gz"
SEALED_PACKAGE = ".tar.gz.gpg"

_UNFINISHED = ".{}.new"
"""The name of a repository while it is made. The next attempt removes one that a killed attempt left."""
_INSIDE_A_STORAGE = frozenset({ENCRYPTED, UNENCRYPTED, PACKAGES, *map(_UNFINISHED.format, (ENCRYPTED, UNENCRYPTED))})
_WORKING_FOLDERS = ("staging", "restores", "uploads")
"""Folders of the main storage. The next job removes leftovers in `staging`."""
_LONGEST_NAME = 255
"""Bytes; no file system takes longer names."""
_SCAN_DEPTH = 6
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?//")


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class RepositoryPlace:
    """The place of one repository, which may not exist yet; `storage` is resolved and inside an allowed root."""

    storage: Path
    encrypted: bool

    @property
    def path(self) -> Path:
        return self.storage / (ENCRYPTED if self.encrypted else UNENCRYPTED)

    @property
    def storage_path(self) -> str:
        """The storage path as configurations name it: relative inside BACKUP_STORAGE_ROOT, else absolute."""
        main = conf.load().storage_root.resolve()
        if self.storage == main:
            return ""
        return str(self.storage.relative_to(main)) if self.storage.is_relative_to(main) else str(self.storage)

    def exists(self) -> bool:
        """Return whether the place has the file `config` of a repository."""
        return (self.path / "config").is_file()

    def holds(self, storage_path: str, *, encrypted: bool) -> bool:
        """Return whether backups with this storage path go here; False for a path that is not allowed any more."""
        try:
            return resolve_place(storage_path, encrypted=encrypted) == self
        except StorageRefused:
            return False

    def passphrase(self) -> Passphrase:
        """Return the passphrase that opens it. Raises `PassphraseError` if it is encrypted and there is none."""
        return read_passphrase() if self.encrypted else NO_PASSPHRASE

    def open(self) -> Repository:
        """Open the repository. Raises the engine's errors, such as `NoRepository`."""
        passphrase = self.passphrase()
        return Repository.open(open_backend(self.path), passphrase.reveal())

    def open_or_init(self) -> Repository:
        """Open the repository, or make it if there is none, readable by its owner only."""
        if not self.exists():
            passphrase = self.passphrase()
            make_private_folder(self.storage)
            made = _init(self.path, passphrase)
            if made is not None:
                return made
        return self.open()


def _init(path: Path, passphrase: Passphrase) -> Repository | None:
    """Make the repository beside its place and move it there when it is complete.

    A killed attempt therefore leaves nothing at the place itself. Returns None if another process has made the
    repository meanwhile.
    """
    with hold_lock_file(path.parent / f".{path.name}.lock"):
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


def resolve_place(storage_path: str, *, encrypted: bool) -> RepositoryPlace:
    """Return the place for a configuration's `storage_path`, which is absolute or relative to BACKUP_STORAGE_ROOT.

    Creates nothing. Raises `StorageRefused` if the path, with all links followed, leaves the allowed roots.
    """
    settings = conf.load()
    if "\0" in storage_path or not storage_path.isprintable():
        raise StorageRefused("The storage path holds characters that cannot be printed; give a path without them.")
    if _ADDRESS.match(storage_path):
        # As a relative path it would become a folder with a strange name; addresses are never followed.
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
    """Return the place for new backups with a storage path, as `resolve_place` does.

    Also refuses, with `StorageRefused`, a path inside a repository, among packages or in a working folder. Backups that
    lie there already can still be read.
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


def known_places(storage_paths: Iterable[str] = ()) -> list[RepositoryPlace]:
    """Return the existing repositories under the allowed roots, without asking the database.

    `storage_paths` of configurations are checked too: they may lie deeper than the search goes.
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


def _scan(folder: Path, depth: int, *, without: Path) -> Iterator[RepositoryPlace]:
    # Restored files may contain a repository, which is not one of this application.
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
