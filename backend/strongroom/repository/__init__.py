"""Repositories: made, opened, locked, and the files in them read and written.

A `Repository` is an opened one; there is no object for one that is not. What it stores besides blobs are sealed JSON
files; blobs go in through `repository.writer` and out through `repository.blobs`, both with an index loaded before.
"""

from __future__ import annotations

from strongroom.backends.base import CONFIG, Backend, FileHandle
from strongroom.crypto import NotAuthentic, SealingKey
from strongroom.errors import (
    AppendOnly,
    BackendError,
    Damaged,
    FileExists,
    FileMissing,
    NoRepository,
    RepositoryExists,
    SnapshotNotFound,
    UnsupportedRepository,
)
from strongroom.format.config import VERSION, Config, decode_config, encode_config
from strongroom.format.envelope import MAX_SIZE, decode_body, encode_body
from strongroom.format.index import decode_index
from strongroom.format.key import DEFAULT_COST, Cost
from strongroom.format.pack import PackedBlob
from strongroom.format.snapshot import Snapshot, decode_snapshot, encode_snapshot
from strongroom.ids import FileKind, StorageId, storage_id
from strongroom.repository import keys
from strongroom.repository.index import Index
from strongroom.repository.locks import RepositoryLock, Timing
from strongroom.repository.pack_headers import read_header

__all__ = ["Index", "Repository"]

_WAYS_OUT = {
    FileKind.INDEX: "`strongroom repair index` writes it anew from what the packs list.",
    FileKind.SNAPSHOT: "Put the file back from a copy of the storage, or remove it with"
    " `strongroom repair snapshots --forget`.",
}
_CONFIG_BACK = (
    "Put `config` back from a copy of the storage. Until then `strongroom restore --salvage` reads what the repository"
    " holds, and nothing can be stored in it."
)


class Repository:
    """An opened repository. Safe to share between threads."""

    def __init__(self, backend: Backend, key: keys.OpenedKey, config: Config) -> None:
        self.backend = backend
        self.config = config
        self._key = key

    @classmethod
    def init(cls, backend: Backend, passphrase: str, *, cost: Cost = DEFAULT_COST) -> Repository:
        """Make a repository where there is none. Raises RepositoryExists.

        The config is written last: without it there is no repository, whatever else a crash has left.
        """
        if any(any(backend.list_files(kind)) for kind in (FileKind.KEY, FileKind.SNAPSHOT)) or _has_config(backend):
            raise RepositoryExists(f"There is a repository, or the rest of one, in {backend.location} already.")
        backend.create()
        master = SealingKey.generate()
        key_name = keys.add_key(backend, master, passphrase, cost=cost)
        config = Config.generate()
        try:
            backend.save(CONFIG, [master.seal(encode_config(config))])
        except FileExists:
            # Another process was faster. Its key opens its config, ours opens nothing.
            backend.remove(FileHandle(FileKind.KEY, key_name))
            raise RepositoryExists(f"There is a repository in {backend.location} already.") from None
        return cls(backend, keys.OpenedKey(master, key_name), config)

    @classmethod
    def open(cls, backend: Backend, passphrase: str) -> Repository:
        """Open an existing repository. Raises NoRepository, WrongPassphrase, Damaged or UnsupportedRepository."""
        if not _has_config(backend):
            raise NoRepository(_no_repository(backend))
        key = keys.find_key(backend, passphrase)
        try:
            config = decode_config(key.master.open(backend.load(CONFIG)))
        except Damaged as error:
            raise Damaged(
                f"The config of the repository in {backend.location} is damaged: {error} {_CONFIG_BACK}"
            ) from None
        return cls(backend, key, config)

    @classmethod
    def open_without_config(cls, backend: Backend, passphrase: str) -> Repository:
        """Open a repository whose config is lost or damaged, to read what is left: the keys open everything else.

        Nothing should be written to it. Raises WrongPassphrase, or Damaged when there is no key either.
        """
        return cls(backend, keys.find_key(backend, passphrase), Config(VERSION, "0" * 64, ""))

    def moved_to(self, backend: Backend) -> Repository:
        """The same repository after its files have been moved there."""
        return Repository(backend, self._key, self.config)

    def is_at_its_place(self) -> bool:
        """Whether the config that lies there is sealed with this repository's master key. Raises BackendError."""
        try:
            self.master.open(self.backend.load(CONFIG))
        except NotAuthentic:
            return False
        return True

    @property
    def location(self) -> str:
        """Where it is, for messages."""
        return self.backend.location

    @property
    def id(self) -> str:
        """Its identity: 64 hex digits."""
        return self.config.id

    @property
    def master(self) -> SealingKey:
        """The key that seals everything in it."""
        return self._key.master

    def require_writable(self) -> None:
        """Raises UnsupportedRepository when we would not write what its version allows."""
        if self.config.version != VERSION:
            raise UnsupportedRepository(
                f"The repository in {self.location} has format version {self.config.version} and is only read. "
                "Upgrade it with `restic migrate upgrade_repo_v2`."
            )

    def require_removable(self) -> None:
        """Raises UnsupportedRepository, or AppendOnly, when nothing may be removed from it."""
        self.require_writable()
        if self.config.append_only:
            raise AppendOnly(
                f"The repository in {self.location} is marked append-only: nothing is removed from it. "
                "Its owner can take the mark away with the client that has set it."
            )

    def lock(self, *, exclusive: bool = False, timing: Timing | None = None, optional: bool = False) -> RepositoryLock:
        """Hold a lock as a context manager; shared ones exclude exclusive ones only. Raises RepositoryLocked.

        `optional` is for what must work on a storage that is read-only or full: see `RepositoryLock`.
        """
        return RepositoryLock(self, exclusive=exclusive, timing=timing or Timing(), optional=optional)

    # Keys

    def list_keys(self) -> list[keys.KeyInfo]:
        """All keys, oldest first."""
        return keys.list_keys(self.backend, self._key.name)

    def add_key(self, passphrase: str, *, cost: Cost = DEFAULT_COST) -> StorageId:
        """Let another passphrase open the repository; the name of its key."""
        return keys.add_key(self.backend, self.master, passphrase, cost=cost)

    def remove_key(self, prefix: str) -> StorageId:
        """Take a passphrase away. Raises KeyProtected for the one in use, so that one is always left."""
        return keys.remove_key(self.backend, prefix, self._key.name)

    # Sealed JSON files

    def save_file(self, kind: FileKind, text: bytes) -> StorageId:
        """Seal and store; the file's name."""
        sealed = self.master.seal(encode_body(text))
        name = storage_id(sealed)
        self.backend.save(FileHandle(kind, name), [sealed])
        return name

    def load_file(self, kind: FileKind, name: StorageId) -> bytes:
        """The JSON of a stored file. Raises Damaged, which says what to do, or FileMissing."""
        try:
            return self._load_file(FileHandle(kind, name))
        except Damaged as error:
            raise Damaged(f"{error} {_WAYS_OUT.get(kind, '')}".rstrip()) from None

    def _load_file(self, handle: FileHandle) -> bytes:
        size = self.backend.size(handle)
        if size > MAX_SIZE:
            raise Damaged(f"{handle} in {self.location} has {size} bytes, far too many for its kind.")
        sealed = self.backend.load(handle)
        if storage_id(sealed) != handle.name:
            raise Damaged(f"{handle} in {self.location} is damaged: its bytes do not have the hash that is its name.")
        try:
            return decode_body(self.master.open(sealed), self.config.version)
        except NotAuthentic:
            raise Damaged(f"{handle} in {self.location} was not sealed with this repository's key.") from None
        except Damaged as error:
            raise Damaged(f"{handle} in {self.location} is damaged: {error}") from None

    # Snapshots

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, oldest first. Raises Damaged for one that cannot be read."""
        found, faults = self.readable_snapshots()
        if faults:
            raise Damaged(" ".join(faults))
        return found

    def readable_snapshots(self) -> tuple[list[Snapshot], list[str]]:
        """The snapshots that can be read, oldest first, and what is wrong with the others."""
        found, faults = self.sorted_out_snapshots()
        return found, sorted(faults.values())

    def sorted_out_snapshots(self) -> tuple[list[Snapshot], dict[StorageId, str]]:
        """The snapshots that can be read, oldest first, and the names of the others with what is wrong with them."""
        found: list[Snapshot] = []
        faults: dict[StorageId, str] = {}
        for stored in self.backend.list_files(FileKind.SNAPSHOT):
            try:
                found.append(self.load_snapshot(stored.name))
            except FileMissing:
                continue  # forgotten since the listing began
            except Damaged as error:
                faults[stored.name] = str(error)
        return sorted(found, key=lambda snapshot: (snapshot.time_ns, snapshot.id)), faults

    def load_snapshot(self, name: StorageId) -> Snapshot:
        """The snapshot of that full name."""
        text = self.load_file(FileKind.SNAPSHOT, name)
        try:
            return decode_snapshot(text, name)
        except Damaged as error:
            raise Damaged(f"{error} {_WAYS_OUT[FileKind.SNAPSHOT]}") from None

    def snapshot(self, prefix: str) -> Snapshot:
        """The one snapshot whose id begins with `prefix`, or the newest for `latest`. Raises SnapshotNotFound."""
        if prefix == "latest":
            snapshots = self.snapshots()
            if not snapshots:
                raise SnapshotNotFound(f"The repository in {self.location} holds no snapshot.")
            return snapshots[-1]
        return self.load_snapshot(self.snapshot_name(prefix))

    def snapshot_name(self, prefix: str) -> StorageId:
        """The full id of the one snapshot whose id begins so, readable or not. Raises SnapshotNotFound."""
        names = [stored.name for stored in self.backend.list_files(FileKind.SNAPSHOT) if stored.name.startswith(prefix)]
        if not prefix or len(names) != 1:
            count = len(names) or "No"
            raise SnapshotNotFound(f"{count} snapshots in {self.location} have an id that begins with {prefix!r}.")
        return names[0]

    def retract_snapshot(self, name: StorageId) -> None:
        """Take back a snapshot that we have just stored and that nobody has been told of.

        Raises UnsupportedRepository or AppendOnly where nothing may be removed.
        """
        self.require_removable()
        self.backend.remove(FileHandle(FileKind.SNAPSHOT, name))

    def save_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Store a snapshot whose trees and blobs are stored and indexed; the same with its id."""
        text = encode_snapshot(snapshot)
        return decode_snapshot(text, self.save_file(FileKind.SNAPSHOT, text))

    # Index

    def load_index_file(self, name: StorageId) -> list[tuple[StorageId, list[PackedBlob]]]:
        """What one index file says. Raises Damaged, or FileMissing."""
        text = self.load_file(FileKind.INDEX, name)
        try:
            return list(decode_index(text))
        except Damaged as error:
            raise Damaged(f"index/{name} in {self.location} is damaged: {error} {_WAYS_OUT[FileKind.INDEX]}") from None

    def load_index(self) -> Index:
        """Read every index file; where one cannot be read, the headers of the packs that no other one names.

        What could not be read is in the `faults` of the index.
        """
        index = Index()
        for stored in list(self.backend.list_files(FileKind.INDEX)):
            try:
                for pack, blobs in self.load_index_file(stored.name):
                    index.add(pack, blobs)
            except FileMissing:
                continue  # replaced by another since the listing began; its packs are listed there
            except Damaged as error:
                index.faults.append(str(error))
                index.damaged_files[stored.name] = str(error)
        if index.faults:
            self.index_from_headers(index)
        return index

    def index_from_headers(self, index: Index) -> None:
        """Add the packs that the index does not name, as their headers list them; what cannot be read is a fault."""
        for stored in self.backend.list_files(FileKind.PACK):
            if not index.blob_count(stored.name):
                try:
                    index.add(stored.name, read_header(self.backend, self.master, stored.name))
                except (Damaged, BackendError) as error:
                    index.faults.append(
                        f"The pack {stored.name} is in no index, and its header cannot be read: {error}"
                    )


def _no_repository(backend: Backend) -> str:
    if any(backend.list_files(FileKind.KEY)):
        return f"The repository in {backend.location} has lost its file `config`. {_CONFIG_BACK}"
    return f"There is no repository in {backend.location}. Mount the storage that it lies in, or correct the path."


def _has_config(backend: Backend) -> bool:
    try:
        return backend.size(CONFIG) > 0
    except FileMissing:
        return False
