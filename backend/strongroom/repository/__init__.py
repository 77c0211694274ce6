"""Create, open and lock a repository; read and write its files.

A `Repository` is always open; there is no object for a closed one. It reads and writes sealed JSON files.
`repository.blob_writer` stores blobs and `repository.blob_reader` reads them, both with a loaded index.
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

_REMEDIES = {
    FileKind.INDEX: "`strongroom repair index` rebuilds it from the headers of the packs.",
    FileKind.SNAPSHOT: "Restore the file from a copy of the storage, or remove it with"
    " `strongroom repair snapshots --forget`.",
}
_CONFIG_REMEDY = (
    "Restore the file `config` from a copy of the storage. Until then `strongroom restore --salvage` reads the"
    " repository, and nothing can be stored in it."
)


class Repository:
    """An open repository. Safe to share between threads."""

    def __init__(self, backend: Backend, key: keys.OpenedKey, config: Config) -> None:
        self.backend = backend
        self.config = config
        self._key = key

    @classmethod
    def init(cls, backend: Backend, passphrase: str, *, cost: Cost = DEFAULT_COST) -> Repository:
        """Create a repository. Raises RepositoryExists.

        The config is written last: without it there is no repository, whatever files a crash has left.
        """
        if any(any(backend.list_files(kind)) for kind in (FileKind.KEY, FileKind.SNAPSHOT)) or _has_config(backend):
            raise RepositoryExists(
                f"There is already a repository, or a part of one, in {backend.location}. Choose another folder."
            )
        backend.create()
        master = SealingKey.generate()
        key_name = keys.add_key(backend, master, passphrase, cost=cost)
        config = Config.generate()
        try:
            backend.save(CONFIG, [master.seal(encode_config(config))])
        except FileExists:
            # Another process was faster. Its key opens its config; our key opens nothing.
            backend.remove(FileHandle(FileKind.KEY, key_name))
            raise RepositoryExists(
                f"Another process has just created a repository in {backend.location}. Open that one."
            ) from None
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
                f"The config of the repository in {backend.location} is damaged: {error} {_CONFIG_REMEDY}"
            ) from None
        return cls(backend, key, config)

    @classmethod
    def open_without_config(cls, backend: Backend, passphrase: str) -> Repository:
        """Open a repository whose config is lost or damaged, to read the rest: the keys open all other files.

        Write nothing to it. Raises WrongPassphrase, or Damaged if there is no key either.
        """
        return cls(backend, keys.find_key(backend, passphrase), Config(VERSION, "0" * 64, ""))

    def moved_to(self, backend: Backend) -> Repository:
        """Return the same repository after its files were moved to another backend."""
        return Repository(backend, self._key, self.config)

    def is_unchanged(self) -> bool:
        """Return whether the stored config is sealed with this repository's master key. Raises BackendError."""
        try:
            self.master.open(self.backend.load(CONFIG))
        except NotAuthentic:
            return False
        return True

    @property
    def location(self) -> str:
        """Return the location, for messages."""
        return self.backend.location

    @property
    def id(self) -> str:
        """Return the repository id: 64 hex digits."""
        return self.config.id

    @property
    def master(self) -> SealingKey:
        """Return the master key, which seals everything in the repository."""
        return self._key.master

    def require_writable(self) -> None:
        """Raise UnsupportedRepository unless the format version is the one that we write."""
        if self.config.version != VERSION:
            raise UnsupportedRepository(
                f"The repository in {self.location} has format version {self.config.version}, which this engine only"
                " reads. Upgrade it with `restic migrate upgrade_repo_v2`."
            )

    def require_removable(self) -> None:
        """Raise UnsupportedRepository or AppendOnly if nothing may be removed from the repository."""
        self.require_writable()
        if self.config.append_only:
            raise AppendOnly(
                f"The repository in {self.location} is append-only, so nothing can be removed from it. Its owner can"
                " remove the append-only mark with the client that has set it."
            )

    def lock(self, *, exclusive: bool = False, timing: Timing | None = None, optional: bool = False) -> RepositoryLock:
        """Return a held lock, a context manager. Shared locks exclude only exclusive ones. Raises RepositoryLocked.

        `optional` is for work that must be possible on a read-only or full storage: see `RepositoryLock`.
        """
        return RepositoryLock(self, exclusive=exclusive, timing=timing or Timing(), optional=optional)

    # Keys

    def list_keys(self) -> list[keys.KeyInfo]:
        """Return all keys, oldest first."""
        return keys.list_keys(self.backend, self._key.name)

    def add_key(self, passphrase: str, *, cost: Cost = DEFAULT_COST) -> StorageId:
        """Add a passphrase that opens the repository. Return the name of its key."""
        return keys.add_key(self.backend, self.master, passphrase, cost=cost)

    def remove_key(self, prefix: str) -> StorageId:
        """Remove a key. Raises KeyProtected for the key in use, so that one key always remains."""
        return keys.remove_key(self.backend, prefix, self._key.name)

    # Sealed JSON files

    def save_file(self, kind: FileKind, text: bytes) -> StorageId:
        """Seal and store a JSON text. Return the name of the file."""
        sealed = self.master.seal(encode_body(text))
        name = storage_id(sealed)
        self.backend.save(FileHandle(kind, name), [sealed])
        return name

    def load_file(self, kind: FileKind, name: StorageId) -> bytes:
        """Return the JSON of a stored file. Raises Damaged, with advice, or FileMissing."""
        try:
            return self._load_file(FileHandle(kind, name))
        except Damaged as error:
            raise Damaged(f"{error} {_REMEDIES.get(kind, '')}".rstrip()) from None

    def _load_file(self, handle: FileHandle) -> bytes:
        size = self.backend.size(handle)
        if size > MAX_SIZE:
            raise Damaged(f"{handle} in {self.location} is damaged: it has {size} bytes, more than {MAX_SIZE}.")
        sealed = self.backend.load(handle)
        if storage_id(sealed) != handle.name:
            raise Damaged(f"{handle} in {self.location} is damaged: its content does not match the hash in its name.")
        try:
            return decode_body(self.master.open(sealed), self.config.version)
        except NotAuthentic:
            raise Damaged(f"{handle} in {self.location} was not sealed with this repository's key.") from None
        except Damaged as error:
            raise Damaged(f"{handle} in {self.location} is damaged: {error}") from None

    # Snapshots

    def snapshots(self) -> list[Snapshot]:
        """Return all snapshots, oldest first. Raises Damaged if one cannot be read."""
        found, faults = self.readable_snapshots()
        if faults:
            raise Damaged(" ".join(faults))
        return found

    def readable_snapshots(self) -> tuple[list[Snapshot], list[str]]:
        """Return the readable snapshots, oldest first, and the faults of the others."""
        found, faults = self.snapshots_and_faults()
        return found, sorted(faults.values())

    def snapshots_and_faults(self) -> tuple[list[Snapshot], dict[StorageId, str]]:
        """Return the readable snapshots, oldest first, and the faults of the others by their names."""
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
        """Return the snapshot with that full id. Raises Damaged, or FileMissing."""
        text = self.load_file(FileKind.SNAPSHOT, name)
        try:
            return decode_snapshot(text, name)
        except Damaged as error:
            raise Damaged(f"{error} {_REMEDIES[FileKind.SNAPSHOT]}") from None

    def snapshot(self, prefix: str) -> Snapshot:
        """Return the one snapshot whose id begins with `prefix`, or the newest for `latest`.

        Raises SnapshotNotFound.
        """
        if prefix == "latest":
            snapshots = self.snapshots()
            if not snapshots:
                raise SnapshotNotFound(f"The repository in {self.location} has no snapshots. Make a backup first.")
            return snapshots[-1]
        return self.load_snapshot(self.snapshot_name(prefix))

    def snapshot_name(self, prefix: str) -> StorageId:
        """Return the full id of the one snapshot, readable or not, whose id begins with `prefix`.

        Raises SnapshotNotFound.
        """
        names = [stored.name for stored in self.backend.list_files(FileKind.SNAPSHOT) if stored.name.startswith(prefix)]
        if not prefix or len(names) != 1:
            count = len(names) or "No"
            raise SnapshotNotFound(
                f"{count} snapshots in {self.location} have an id that begins with {prefix!r}."
                " `strongroom snapshots` lists the ids."
            )
        return names[0]

    def retract_snapshot(self, name: StorageId) -> None:
        """Remove a snapshot that this process has just stored and not yet published.

        Raises UnsupportedRepository or AppendOnly if nothing may be removed.
        """
        self.require_removable()
        self.backend.remove(FileHandle(FileKind.SNAPSHOT, name))

    def save_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Store a snapshot whose trees and blobs are stored and indexed. Return it with its id."""
        text = encode_snapshot(snapshot)
        return decode_snapshot(text, self.save_file(FileKind.SNAPSHOT, text))

    # Index

    def load_index_file(self, name: StorageId) -> list[tuple[StorageId, list[PackedBlob]]]:
        """Return the packs of one index file, with their blobs. Raises Damaged, or FileMissing."""
        text = self.load_file(FileKind.INDEX, name)
        try:
            return list(decode_index(text))
        except Damaged as error:
            raise Damaged(f"index/{name} in {self.location} is damaged: {error} {_REMEDIES[FileKind.INDEX]}") from None

    def load_index(self) -> Index:
        """Read all index files. If one cannot be read, read the headers of the packs that no other index file names.

        The `faults` of the index list the files that could not be read.
        """
        index = Index()
        for stored in list(self.backend.list_files(FileKind.INDEX)):
            try:
                for pack, blobs in self.load_index_file(stored.name):
                    index.add(pack, blobs)
            except FileMissing:
                continue  # replaced since the listing began; the new index file names its packs
            except Damaged as error:
                index.faults.append(str(error))
                index.damaged_files[stored.name] = str(error)
        if index.faults:
            self.index_from_headers(index)
        return index

    def index_from_headers(self, index: Index) -> None:
        """Add the packs that the index does not name, from their headers. Unreadable headers become faults."""
        for stored in self.backend.list_files(FileKind.PACK):
            if not index.blob_count(stored.name):
                try:
                    index.add(stored.name, read_header(self.backend, self.master, stored.name))
                except (Damaged, BackendError) as error:
                    index.faults.append(f"The pack {stored.name} is in no index, and its header is damaged: {error}")


def _no_repository(backend: Backend) -> str:
    if any(backend.list_files(FileKind.KEY)):
        return f"The repository in {backend.location} has lost its file `config`. {_CONFIG_REMEDY}"
    return f"There is no repository in {backend.location}. Mount its storage, or correct the path."


def _has_config(backend: Backend) -> bool:
    try:
        return backend.size(CONFIG) > 0
    except FileMissing:
        return False
