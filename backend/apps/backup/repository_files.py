"""What the files of a repository say without its key: whether it is there, which one it is, what it holds."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
from pathlib import Path
from typing import Final

from strongroom.errors import StrongroomError

from .errors import BackupError
from .storage import RepositoryPlace

_MOST_IDS: Final = 64


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """The names of the snapshots and the digest of the file `config`; `reason` says why there is no repository."""

    snapshots: frozenset[str] = frozenset()
    digest: str = ""
    reason: str = ""


def repository_files(place: RepositoryPlace) -> RepositoryFiles:
    """List what lies at a place. What keeps it from being read is the `reason`: a backup there cannot be restored."""
    try:
        digest = config_digest(place)
        names = frozenset(os.listdir(place.path / "snapshots"))
    except FileNotFoundError as error:
        if not place.storage.is_dir():
            return RepositoryFiles(reason=f"The folder {str(place.storage)!r} does not exist.")
        if str(error.filename).endswith("snapshots"):
            return RepositoryFiles(reason=f"The repository {str(place.path)!r} has lost its folder `snapshots`.")
        return RepositoryFiles(reason=f"The folder {str(place.storage)!r} holds no repository.")
    except OSError as error:
        return RepositoryFiles(reason=f"The repository {str(place.path)!r} cannot be read ({error.strerror}).")
    return RepositoryFiles(names, digest)


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


def is_another(place: RepositoryPlace, files: RepositoryFiles, *, repository_id: str, digest: str) -> str:
    """Why what lies at a place is not the repository of that id, in words; empty if it is."""
    if not repository_id or files.digest == digest:
        return ""
    try:
        found = repository_identity(place, files.digest)
    except (BackupError, StrongroomError) as error:
        return (
            f"The file `config` in {str(place.path)!r} is not that of the repository {repository_id[:8]}, and the"
            f" repository there cannot be opened: {error}"
        )
    if found == repository_id:
        return ""
    return f"Another repository ({found[:8]}) lies in {str(place.path)!r}, in the place of {repository_id[:8]}."


_ids: dict[tuple[str, str], str] = {}
_guard = threading.Lock()
