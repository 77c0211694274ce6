"""The keys of a repository. Several passphrases can open the same master key."""

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
"""The maximum number of keys to try: each takes half a second."""
_MAX_FILE = 64 << 10
_KEY_REMEDY = (
    "Restore a key file into `keys` from a copy of the storage. Without one, no passphrase opens the repository."
)


@dataclasses.dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key in a list. `created` is RFC 3339."""

    name: StorageId
    created: str
    username: str
    hostname: str
    in_use: bool


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedKey:
    """The master key, and the name of the key file that it was read from."""

    master: SealingKey
    name: StorageId


def find_key(backend: Backend, passphrase: str) -> OpenedKey:
    """Return the first key that opens with `passphrase`.

    A damaged key file does not stop the search; if no key opens, the error names it.
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
        raise Damaged(f"Cannot read any key of the repository in {backend.location}: {'; '.join(broken)} {_KEY_REMEDY}")
    raise Damaged(f"The repository in {backend.location} has lost its keys: the folder `keys` is empty. {_KEY_REMEDY}")


def _opens_none(location: str, tried: int, broken: list[str]) -> str:
    if broken:
        return (
            f"The passphrase opens none of the {tried} readable keys of the repository in {location}, and"
            f" {len(broken)} key files are damaged: {'; '.join(broken)} If it belongs to a damaged key file, restore"
            " that file into `keys` from a copy of the storage."
        )
    return (
        f"The passphrase opens none of the {tried} keys of the repository in {location}. Use the passphrase that the"
        " repository was created with, or one that was added later. If a key file was lost, restore it into `keys` from"
        " a copy of the storage."
    )


def opened_by(backend: Backend, passphrase: str) -> frozenset[StorageId]:
    """Return the names of all keys that open with `passphrase`. Each key takes as long as opening a repository."""
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
    """Load a key file and check it against its name. Raises Damaged."""
    if size > _MAX_FILE:
        raise Damaged(f"The key {name} is damaged: it has {size} bytes, more than {_MAX_FILE}.")
    text = backend.load(FileHandle(FileKind.KEY, name))
    if storage_id(text) != name:
        raise Damaged(f"The key {name} is damaged: its content does not match the hash in its name.")
    return decode_key(text)


def add_key(backend: Backend, master: SealingKey, passphrase: str, *, cost: Cost = DEFAULT_COST) -> StorageId:
    """Store another key for `master`, verify that it opens, and return its name."""
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
        opened = open_key(load_key(backend, name, len(text)), passphrase)
        if (opened.encrypt, opened.mac_k, opened.mac_r) != (master.encrypt, master.mac_k, master.mac_r):
            raise Damaged(f"The new key {name} opens to another master key. It was removed again; check the storage.")
    except Damaged:
        backend.remove(handle)
        raise
    return name


def keys_fault(backend: Backend) -> str:
    """Return the reason why no passphrase can open the repository: all key files are lost or damaged.

    Empty if a key file can be read.
    """
    broken: list[str] = []
    if next(_load_keys(backend, broken), None) is not None:
        return ""
    reason = f"is readable: {'; '.join(broken)}" if broken else "is left: the folder `keys` is empty or lost."
    return f"No key of the repository in {backend.location} {reason}"


def list_keys(backend: Backend, in_use: StorageId | None = None) -> list[KeyInfo]:
    """Return all keys, oldest first. No passphrase is needed. Raises Damaged if a key cannot be read."""
    found = []
    for stored in backend.list_files(FileKind.KEY):
        key = load_key(backend, stored.name, stored.size)
        found.append(KeyInfo(stored.name, key.created, key.username, key.hostname, stored.name == in_use))
    return sorted(found, key=lambda key: (key.created, key.name))


def remove_key(backend: Backend, prefix: str, in_use: StorageId) -> StorageId:
    """Remove the one key whose name begins with `prefix`. Raises KeyProtected for the one in use."""
    names = [stored.name for stored in backend.list_files(FileKind.KEY) if stored.name.startswith(prefix)]
    if not prefix or len(names) != 1:
        raise KeyNotFound(
            f"{len(names) or 'No'} keys of the repository have a name that begins with {prefix!r}."
            " `strongroom key list` lists the names."
        )
    if names[0] == in_use:
        raise KeyProtected(
            f"Cannot remove the key {names[0][:8]}: it is the key that opened the repository. Open the repository with"
            " another passphrase first."
        )
    backend.remove(FileHandle(FileKind.KEY, names[0]))
    return names[0]
