"""Read from a repository's files, without its key, whether it exists, which one it is, and its snapshots' names."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from strongroom.backends import open_backend
from strongroom.errors import Damaged, StrongroomError
from strongroom.repository.keys import keys_fault

from ..errors import BackupError
from .locations import RepositoryPlace

_MOST_IDS: Final = 64
_MOUNT: Final = "Mount the storage, or put the repository back."
_PUT_BACK: Final = "Put {} back{} from a copy of the storage."
_SALVAGE: Final = "Until then `strongroom restore --salvage` reads what the repository holds."


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """The reason why no backup of a repository can be restored, and the remedy, each as sentences."""

    reason: str
    remedy: str


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """The names of the snapshots, the digest of the file `config`, and the fault that makes the repository unusable."""

    snapshots: frozenset[str] = frozenset()
    digest: str = ""
    fault: Fault | None = None


def repository_files(place: RepositoryPlace) -> RepositoryFiles:
    """List the files at a place. An error that keeps it from being read, with any passphrase, is the `fault`."""
    try:
        digest = config_digest(place)
        names = frozenset(os.listdir(place.path / "snapshots"))
        lost = keys_fault(open_backend(place.path))
    except FileNotFoundError as error:
        return RepositoryFiles(fault=_not_found(place, str(error.filename)))
    except (OSError, StrongroomError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        text = f"The repository {str(place.path)!r} cannot be read ({reason})."
        return RepositoryFiles(fault=Fault(text, "Correct its rights, or mend the disk."))
    if lost:
        return RepositoryFiles(names, digest, Fault(lost, _PUT_BACK.format("a key file", " into `keys`")))
    return RepositoryFiles(names, digest)


def _not_found(place: RepositoryPlace, file: str) -> Fault:
    if not place.storage.is_dir():
        return Fault(f"The folder {str(place.storage)!r} does not exist.", _MOUNT)
    if file.endswith("snapshots"):
        text = f"The repository {str(place.path)!r} has lost its folder `snapshots`."
        return Fault(text, _PUT_BACK.format("it", ""))
    if (place.path / "keys").is_dir():
        text = f"The repository {str(place.path)!r} has lost its file `config`."
        return Fault(text, f"{_PUT_BACK.format('`config`', '')} {_SALVAGE}")
    return Fault(f"The folder {str(place.storage)!r} holds no repository.", _MOUNT)


def size_on_disk(folder: str | Path) -> int:
    """Return the bytes of all files below a folder; files that are removed meanwhile count nothing."""
    size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    size += size_on_disk(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return size


def locks_since(place: RepositoryPlace) -> list[datetime]:
    """Return the time of each lock of a repository. A lock is renewed while its owner runs."""
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(place.path / "locks") as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found.append(datetime.fromtimestamp(entry.stat().st_mtime, UTC))
    return found


def config_digest(place: RepositoryPlace) -> str:
    """Return the SHA-256 of the file `config`, which is different for each repository: it has a random nonce.

    Raises `OSError`.
    """
    return hashlib.sha256((place.path / "config").read_bytes()).hexdigest()


def repository_identity(place: RepositoryPlace, digest: str) -> str:
    """Return the id of the repository at a place, whose `config` has that digest.

    Opens the repository, once in a process. Raises the error that keeps it from being opened.
    """
    key = (str(place.path), digest)
    with _guard:
        known = _ids.get(key)
    if known is None:
        known = place.open().id
        with _guard:
            if len(_ids) >= _MOST_IDS:
                _ids.clear()
            _ids[key] = known
    return known


def identity_fault(place: RepositoryPlace, files: RepositoryFiles, *, repository_id: str, digest: str) -> Fault | None:
    """Return the fault if the repository at a place is not the one with that id; None if it is."""
    if not repository_id or files.digest == digest:
        return None
    try:
        found = repository_identity(place, files.digest)
    except Damaged as error:
        return Fault(str(error), "")  # which says what to do
    except (BackupError, StrongroomError) as error:
        return Fault(
            f"The file `config` in {str(place.path)!r} is not that of the repository {repository_id[:8]}, and the"
            f" repository there cannot be opened: {error}",
            "Put the right repository back.",
        )
    if found == repository_id:
        return None
    text = f"Another repository ({found[:8]}) lies in {str(place.path)!r}, in the place of {repository_id[:8]}."
    return Fault(text, "Put the right repository back.")


_ids: dict[tuple[str, str], str] = {}
_guard = threading.Lock()
