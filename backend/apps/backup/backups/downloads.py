"""What is handed out of a job's backup: the whole, or a file or folder of it, opened until it has been read.

Whoever opens a download closes it, or reads the stream of it to its end. Until then nobody removes the backup.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import uuid
import weakref
from collections import OrderedDict
from typing import Final

from strongroom.downloads import Download, FileDownload, FolderDownload, LeftOut, Measure, PackageDownload, Stretch
from strongroom.errors import StrongroomError
from strongroom.format.tree import NodeKind
from strongroom.repository.locks import RepositoryLock
from strongroom.snapshots import SnapshotView

from ..core.paths import file_name, text_of
from ..errors import BackupNotFound, RequestRefused
from ..models import BackupJob
from ..selectors.backups import stored_backup
from ..storage.locations import PLAIN_PACKAGE
from .open_backup import open_snapshot
from .package_files import MemberDownload, PackageFileDownload, open_package_file, proved_package
from .references import of_job
from .secrets import TOPS, require_open

_logger = logging.getLogger(__name__)

ANYTHING: Final = "application/octet-stream"
"""Of every single file, whatever its name says: nothing is shown by a browser, all is saved."""
TAR: Final = "application/x-tar"
GZIP: Final = "application/gzip"
_PIECE: Final = 256 << 10
"""Bytes that a stream gives at once: of the slowest client it hears soon enough that it is still there."""


class _Measures(OrderedDict[str, Measure]):
    """The latest ones; to go on where a download broke off, its length need not be found out again."""

    _MOST = 256

    def __setitem__(self, key: str, value: Measure) -> None:
        super().__setitem__(key, value)
        while len(self) > self._MOST:
            self.popitem(last=False)


_measures = _Measures()


class OpenedDownload:
    """Bytes that can be handed out. `file_name` is how a client saves them; `etag` is strong, with its quotes."""

    def __init__(
        self,
        row: BackupJob,
        download: Download,
        *,
        file_name: str,
        media_type: str,
        lock: RepositoryLock | None,
        resources: contextlib.ExitStack,
    ) -> None:
        self.job = row
        self.file_name = file_name
        self.media_type = media_type
        self._download = download
        self._lock = lock
        # However it ends, and be it forgotten: with this object the lock goes.
        self._release = weakref.finalize(self, resources.close)

    @property
    def length(self) -> int:
        return self._download.length

    @property
    def left_out(self) -> LeftOut:
        return self._download.left_out

    @property
    def etag(self) -> str:
        return f'"{self._download.identity[:40]}"'

    def stream(self, start: int, stop: int) -> DownloadStream:
        """The bytes from `start` up to `stop`; to be closed instead of this, which it closes."""
        return DownloadStream(self, _small(self._download.read(start, stop)))

    def check(self) -> None:
        """Raise `LockLost` when the backup may have been removed meanwhile."""
        if self._lock is not None:
            self._lock.check()

    def close(self) -> None:
        """Let go of the backup."""
        self._release()


class DownloadStream:
    """An iterator over the bytes of a download. At its end, however it comes, it lets go of the backup.

    What cannot be read raises: the connection breaks, so that nobody takes a part for the whole.
    """

    def __init__(self, opened: OpenedDownload, pieces: Stretch) -> None:
        self._opened = opened
        self._pieces = pieces
        self._is_closed = False
        # A server may close it while a thread still reads the next piece.
        self._guard = threading.Lock()

    def __iter__(self) -> DownloadStream:
        return self

    def __next__(self) -> bytes:
        with self._guard:
            if self._is_closed:
                raise StopIteration
            try:
                self._opened.check()
                return next(self._pieces)
            except BaseException as error:
                self._close()
                if isinstance(error, StrongroomError):
                    _logger.log(logging.ERROR, "The download of %s broke off: %s", self._opened.job, error)
                raise

    def close(self) -> None:
        """Stop reading, and let go of the backup."""
        with self._guard:
            self._close()

    def _close(self) -> None:
        self._is_closed = True
        try:
            self._pieces.close()
        finally:
            self._opened.close()


def _small(pieces: Stretch) -> Stretch:
    with contextlib.closing(pieces):
        for piece in pieces:
            for start in range(0, len(piece), _PIECE):
                yield piece[start : start + _PIECE]


def open_download(job: uuid.UUID, path: bytes = b"") -> OpenedDownload:
    """The whole backup of a job as one package, or the file or folder at a path inside of it, as a `.tar`.

    Raises `JobNotFound`, `BackupNotFound`, `BackupRemoved`, `Withheld`, `PackageRefused`, `RepositoryLocked`, `Damaged`
    and whatever else keeps the backup from being read.
    """
    row = stored_backup(job)
    require_open(path)
    with contextlib.ExitStack() as resources:
        opening = _open_package if row.backup_file_path else _open_snapshot
        found = opening(row, path, resources)
        return OpenedDownload(
            row,
            found.download,
            file_name=file_name(found.file_name),
            media_type=found.media_type,
            lock=found.lock,
            resources=resources.pop_all(),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    download: Download
    file_name: str
    media_type: str
    lock: RepositoryLock | None = None


def _open_package(row: BackupJob, path: bytes, resources: contextlib.ExitStack) -> _Found:
    package = of_job(row).package
    if package is None:
        raise AssertionError("A job with a package has one.")
    file = resources.enter_context(open_package_file(package))
    # It may have been marked before we opened it, and be about to go.
    stored_backup(row.uuid)
    whole = PackageFileDownload(file, package.name, row.checksum)
    if not path:
        return _Found(whole, package.name, GZIP if package.name.endswith(PLAIN_PACKAGE) else ANYTHING)
    member = MemberDownload(proved_package(package, file), path, whole)
    return _Found(member, _shown(path.rpartition(b"/")[2]), ANYTHING)


def _open_snapshot(row: BackupJob, path: bytes, resources: contextlib.ExitStack) -> _Found:
    view, lock = resources.enter_context(open_snapshot(row, of_job(row)))
    if not path:
        whole = PackageDownload(view, without=TOPS, measures=_measures)
        return _Found(whole, f"{row.job_name}{PLAIN_PACKAGE}", GZIP, lock)
    return dataclasses.replace(_part(view, path), lock=lock)


def _part(view: SnapshotView, path: bytes) -> _Found:
    node = view.find(path)
    if node is None:
        raise BackupNotFound(f"There is no {text_of(path)!r} in the backup.")
    if node.kind is NodeKind.FILE:
        return _Found(FileDownload(view, node), _shown(node.name), ANYTHING)
    if node.kind is NodeKind.DIR:
        return _Found(FolderDownload(view, node, measures=_measures), f"{_shown(node.name)}.tar", TAR)
    raise RequestRefused(f"{text_of(path)!r} is a link or a special file, which has no content; take its folder.")


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "replace")
