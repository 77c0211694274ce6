"""What the files of a repository say without its key: whether it is there, which one it is, what it holds."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
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
    """Why no backup of a repository can be restored, and what to do about it, each as sentences."""

    reason: str
    remedy: str


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """The names of the snapshots and the digest of the file `config`; `fault` says why it cannot be used."""

    snapshots: frozenset[str] = frozenset()
    digest: str = ""
    fault: Fault | None = None


def repository_files(place: RepositoryPlace) -> RepositoryFiles:
    """List what lies at a place. What keeps it from being read, with any passphrase, is the `fault`."""
    try:
        digest = config_digest(place)
        names = frozenset(os.listdir(place.path / "snapshots"))
        lost = keys_fault(open_backend(place.path))
    except FileNotFoundError as error:
        return RepositoryFiles(fault=_not_found(place, str(error.filename)))
    except (OSError, StrongroomError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        text = f"The repository {str(place.path)!r} cannot be read ({said})."
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
    """What the files in a folder and those below hold; what goes meanwhile holds nothing."""
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


def config_digest(place: RepositoryPlace) -> str:
    """The SHA-256 of the file `config`. It is sealed with a random nonce: no two repositories have the same.

    Raises `OSError`.
    """
    return hashlib.sha256((place.path / "config").read_bytes()).hexdigest()


def repository_identity(place: RepositoryPlace, digest: str) -> str:
    """The id of the repository whose config has that digest; the repository is opened for it, once in a process.

    Raises what keeps it from being opened.
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


def is_another(place: RepositoryPlace, files: RepositoryFiles, *, repository_id: str, digest: str) -> Fault | None:
    """Why what lies at a place is not the repository of that id; None if it is."""
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
