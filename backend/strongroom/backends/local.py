"""A backend in a folder of the local file system."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from strongroom.backends.base import CONFIG, FileHandle, Leftover, StoredFile
from strongroom.durable_names import publish_new, sync, sync_folder
from strongroom.errors import OUT_OF_SPACE, BackendError, FileExists, FileMissing, StorageDenied, StorageFull
from strongroom.ids import FileKind, StorageId, is_storage_name
from strongroom.streams import Buffer

_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_WRITEV_LIMIT = 1024
_LEFTOVER = re.compile(r"(config|[0-9a-f]{64})-tmp-[0-9a-f]+")
"""Names of unfinished files of `save`; the same as restic's."""
_O_BINARY: int = getattr(os, "O_BINARY", 0)


class LocalBackend:
    """Files below the folder `root`, in restic's layout.

    Folders have mode 0700 and files 0400, or 0770 and 0440 if the group may read the repository's `config`.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    @property
    def location(self) -> str:
        return str(self.root)

    def create(self) -> None:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for kind in FileKind:
                if kind is not FileKind.CONFIG:
                    (self.root / kind.value).mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.root)
        except OSError as error:
            self._fail(error, "the repository's folders", "create")

    def save(self, handle: FileHandle, parts: Sequence[Buffer]) -> None:
        path = self._path(handle)
        temporary = path.with_name(f"{path.name}-tmp-{secrets.token_hex(8)}")
        folder_mode, file_mode = self._modes()
        try:
            if path.exists():
                raise FileExists(f"{handle} is stored in {self.location} already.")
            try:
                descriptor = _create(temporary)
            except FileNotFoundError:
                path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
                # A new folder is an entry of its parent, and must be as durable as the file in it.
                sync_folder(path.parent.parent)
                descriptor = _create(temporary)
            try:
                _write(descriptor, parts)
                os.fchmod(descriptor, file_mode)
                sync(descriptor)
            finally:
                os.close(descriptor)
            self._publish(temporary, path, handle)
            sync_folder(path.parent)
        except OSError as error:
            self._fail(error, str(handle), "write")
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _publish(self, temporary: Path, path: Path, handle: FileHandle) -> None:
        if handle == CONFIG:
            # The only name that is no hash. If two clients make a repository here at once, one must fail.
            try:
                publish_new(temporary, path)
            except FileExistsError:
                raise FileExists(f"{handle} is stored in {self.location} already.") from None
        else:
            temporary.rename(path)

    def load(self, handle: FileHandle) -> bytes:
        try:
            return self._path(handle).read_bytes()
        except OSError as error:
            self._fail(error, str(handle), "read")

    def load_range(self, handle: FileHandle, offset: int, length: int) -> bytes:
        try:
            descriptor = os.open(self._path(handle), os.O_RDONLY | _O_BINARY)
            try:
                part = os.pread(descriptor, length, offset)
                while len(part) < length:
                    more = os.pread(descriptor, length - len(part), offset + len(part))
                    if not more:
                        raise BackendError(f"{handle} in {self.location} ends before byte {offset + length}.")
                    part += more
            finally:
                os.close(descriptor)
        except OSError as error:
            self._fail(error, str(handle), "read")
        return part

    def size(self, handle: FileHandle) -> int:
        try:
            return self._path(handle).stat().st_size
        except OSError as error:
            self._fail(error, str(handle), "read")

    def list_files(self, kind: FileKind) -> Iterator[StoredFile]:
        folder = self.root / kind.value
        for place in self._pack_folders() if kind is FileKind.PACK else [folder]:
            yield from self._files(place)

    def _pack_folders(self) -> Iterator[Path]:
        for entry in self._scan(self.root / FileKind.PACK.value):
            if len(entry.name) == 2 and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)

    def _files(self, folder: Path) -> Iterator[StoredFile]:
        for entry in self._scan(folder):
            if is_storage_name(entry.name) and entry.is_file(follow_symlinks=False):
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # removed since the listing began
                yield StoredFile(StorageId(entry.name), status.st_size, status.st_mtime)

    def _scan(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._fail(error, str(folder.relative_to(self.root)), "list")

    def remove(self, handle: FileHandle) -> None:
        path = self._path(handle)
        try:
            path.unlink()
            sync_folder(path.parent)
        except OSError as error:
            self._fail(error, str(handle), "remove")

    def list_leftovers(self) -> Iterator[Leftover]:
        others = [self.root / kind.value for kind in FileKind if kind not in {FileKind.CONFIG, FileKind.PACK}]
        for folder in (self.root, *others, *self._pack_folders()):
            for entry in self._scan(folder):
                if _LEFTOVER.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # finished since the listing began
                    name = Path(entry.path).relative_to(self.root).as_posix()
                    yield Leftover(name, status.st_size, status.st_mtime)

    def remove_leftover(self, leftover: Leftover) -> None:
        path = self.root / leftover.name
        if not _LEFTOVER.fullmatch(path.name):
            raise BackendError(
                f"{leftover.name} in {self.location} is no temporary file of a save. It was not removed."
            )
        try:
            path.unlink()
        except OSError as error:
            self._fail(error, leftover.name, "remove")

    def _path(self, handle: FileHandle) -> Path:
        if handle.kind is FileKind.CONFIG:
            return self.root / handle.kind.value
        if handle.kind is FileKind.PACK:
            return self.root / "data" / handle.name[:2] / handle.name
        return self.root / handle.kind.value / handle.name

    def _modes(self) -> tuple[int, int]:
        try:
            shared = (self.root / "config").stat().st_mode & 0o040
        except OSError:
            shared = 0
        return (0o770, 0o440) if shared else (0o700, 0o400)

    def _fail(self, error: OSError, what: str, verb: str) -> NoReturn:
        reason = f"Cannot {verb} {what} in {self.location}: {error.strerror or error}."
        if isinstance(error, FileNotFoundError):
            raise FileMissing(reason) from error
        if error.errno in OUT_OF_SPACE:
            raise StorageFull(f"{reason} Free space there, or set another storage path.") from error
        if error.errno in _DENIED:
            raise StorageDenied(f"{reason} Give this user permission, or set another storage path.") from error
        raise BackendError(reason) from error


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o600)


def _write(descriptor: int, parts: Sequence[Buffer]) -> None:
    for start in range(0, len(parts), _WRITEV_LIMIT):
        batch = [memoryview(part) for part in parts[start : start + _WRITEV_LIMIT] if len(part)]
        while batch:
            written = os.writev(descriptor, batch)
            while batch and written >= len(batch[0]):
                written -= len(batch.pop(0))
            if written:
                batch[0] = batch[0][written:]
