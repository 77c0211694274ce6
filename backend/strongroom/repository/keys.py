"""The keys of a repository: several passphrases that open the same master key."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator

from strongroom.backends.base import Backend, FileHandle
from strongroom.crypto import NotAuthentic, SealingKey
from strongroom.errors import Damaged, KeyNotFound, KeyProtected, WrongPassphrase
from strongroom.format.go_text import format_time
from strongroom.format.key import DEFAULT_COST, Cost, KeyFile, decode_key, encode_key, open_key
from strongroom.ids import FileKind, StorageId, storage_id
from strongroom.repository import local_user

MAX_KEYS = 20
"""More are not tried: each costs half a second, and nobody has so many operators."""
_MAX_FILE = 64 << 10
_KEY_BACK = (
    "Put a key file back into `keys` from a copy of the storage. Without one, no passphrase opens the repository."
)


@dataclasses.dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as it is listed. `created` is RFC 3339."""

    name: StorageId
    created: str
    username: str
    hostname: str
    in_use: bool


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedKey:
    """The master key and the name of the key file that gave it."""

    master: SealingKey
    name: StorageId


def find_key(backend: Backend, passphrase: str) -> OpenedKey:
    """The first key that opens with `passphrase`.

    A broken key file does not keep the others from being tried; when none opens, it is named in the error.
    """
    broken: list[str] = []
    tried = 0
    for name, key in _load_keys(backend, broken):
        tried += 1
        try:
            return OpenedKey(open_key(key, passphrase), name)
        except NotAuthentic:
            continue
    if tried:
        raise WrongPassphrase(_opens_none(backend.location, tried, broken))
    if broken:
        raise Damaged(f"No key of the repository in {backend.location} can be read: {'; '.join(broken)} {_KEY_BACK}")
    raise Damaged(f"The repository in {backend.location} has lost its keys: the folder `keys` holds none. {_KEY_BACK}")


def _opens_none(location: str, tried: int, broken: list[str]) -> str:
    if broken:
        return (
            f"The passphrase opens none of the {tried} keys that can be read of the repository in {location}, and"
            f" {len(broken)} key files are damaged: {'; '.join(broken)} If it is the passphrase of a damaged one, put"
            " that file back into `keys` from a copy of the storage."
        )
    return (
        f"The passphrase opens none of the {tried} keys of the repository in {location}. Give the one that the"
        " repository was made with, or one that was added to it since. If a key file was lost, put it back into `keys`"
        " from a copy of the storage."
    )


def opened_by(backend: Backend, passphrase: str) -> frozenset[StorageId]:
    """The names of all keys that open with `passphrase`; each costs as long as opening a repository does."""
    found = set()
    for name, key in _load_keys(backend, []):
        with contextlib.suppress(NotAuthentic):
            open_key(key, passphrase)
            found.add(name)
    return frozenset(found)


def _load_keys(backend: Backend, broken: list[str]) -> Iterator[tuple[StorageId, KeyFile]]:
    for stored in sorted(backend.list_files(FileKind.KEY), key=lambda file: file.name)[:MAX_KEYS]:
        try:
            yield stored.name, load_key(backend, stored.name, stored.size)
        except Damaged as error:
            broken.append(f"{stored.name[:8]}: {error}")


def load_key(backend: Backend, name: StorageId, size: int) -> KeyFile:
    """A key file, checked against its name. Raises Damaged."""
    if size > _MAX_FILE:
        raise Damaged(f"The key {name} has {size} bytes, far too many for a key.")
    text = backend.load(FileHandle(FileKind.KEY, name))
    if storage_id(text) != name:
        raise Damaged(f"The key {name} is damaged: its bytes do not have the hash that is its name.")
    return decode_key(text)


def add_key(backend: Backend, master: SealingKey, passphrase: str, *, cost: Cost = DEFAULT_COST) -> StorageId:
    """Store another key for `master`, prove that it opens, and give its name."""
    text = encode_key(
        master,
        passphrase,
        created=format_time(time.time_ns()),
        username=local_user.username(),
        hostname=local_user.hostname(),
        cost=cost,
    )
    name = storage_id(text)
    handle = FileHandle(FileKind.KEY, name)
    backend.save(handle, [text])
    try:
        proven = open_key(load_key(backend, name, len(text)), passphrase)
        if (proven.encrypt, proven.mac_k, proven.mac_r) != (master.encrypt, master.mac_k, master.mac_r):
            raise Damaged(f"The new key {name} opens to another master key.")
    except Damaged:
        backend.remove(handle)
        raise
    return name


def keys_fault(backend: Backend) -> str:
    """Why no passphrase can open the repository: its key files are lost or damaged. Empty if one can be read."""
    broken: list[str] = []
    if next(_load_keys(backend, broken), None) is not None:
        return ""
    what = f"can be read: {'; '.join(broken)}" if broken else "is there: the folder `keys` is empty or lost."
    return f"No key of the repository in {backend.location} {what}"


def list_keys(backend: Backend, in_use: StorageId | None = None) -> list[KeyInfo]:
    """Every key, oldest first; it takes none to see them. Raises Damaged for one that cannot be read."""
    found = []
    for stored in backend.list_files(FileKind.KEY):
        key = load_key(backend, stored.name, stored.size)
        found.append(KeyInfo(stored.name, key.created, key.username, key.hostname, stored.name == in_use))
    return sorted(found, key=lambda key: (key.created, key.name))


def remove_key(backend: Backend, prefix: str, in_use: StorageId) -> StorageId:
    """Remove the one key whose name begins with `prefix`. Raises KeyProtected for the one in use."""
    names = [stored.name for stored in backend.list_files(FileKind.KEY) if stored.name.startswith(prefix)]
    if not prefix or len(names) != 1:
        raise KeyNotFound(f"{len(names)} keys of the repository have a name that begins with {prefix!r}.")
    if names[0] == in_use:
        raise KeyProtected(
            f"The key {names[0][:8]} is the one that opened the repository. Open it with another passphrase first."
        )
    backend.remove(FileHandle(FileKind.KEY, names[0]))
    return names[0]
