"""Open a job's backup for download: the whole backup, or a file or folder of it.

The caller of `open_download` closes the download, or reads its stream to the end. Until then a lock keeps the backup
from being removed.
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
from ..core.titled_files import NAME as TITLES
from ..errors import BackupNotFound, RequestRefused
from ..models import BackupJob
from ..selectors.backups import stored_backup
from ..storage.locations import PLAIN_PACKAGE
from .open_backup import open_snapshot
from .package_files import MemberDownload, PackageFileDownload, open_package_file, proved_package
from .references import job_ref
from .secrets import WITHHELD_FOLDERS, require_not_withheld

_logger = logging.getLogger(__name__)

ANYTHING: Final = "application/octet-stream"
"""The media type of each single file, regardless of its name: browsers save it and show nothing."""
TAR: Final = "application/x-tar"
GZIP: Final = "application/gzip"
_PIECE: Final = 256 << 10
"""Bytes of one piece of a stream: small, so that a slow client takes the next one before it counts as gone."""


class _Measures(OrderedDict[str, Measure]):
    """The latest measures: a download that resumes needs its length, which is not computed again."""

    _MOST = 256

    def __setitem__(self, key: str, value: Measure) -> None:
        super().__setitem__(key, value)
        while len(self) > self._MOST:
            self.popitem(last=False)


_measures = _Measures()


class OpenedDownload:
    """An opened download. The client saves it as `file_name`; `etag` is a strong one, with its quotes."""

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
        # The lock is released with this object, even if the caller never closes it.
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
        """Return the bytes from `start` up to `stop`. Close the stream instead of this object: it closes both."""
        return DownloadStream(self, _in_small_pieces(self._download.read(start, stop)))

    def check(self) -> None:
        """Raise `LockLost` if the backup may have been removed meanwhile."""
        if self._lock is not None:
            self._lock.check()

    def close(self) -> None:
        """Release the backup and its lock."""
        self._release()


class DownloadStream:
    """An iterator over the bytes of a download, which releases the backup at its end, also after an error.

    Content that cannot be read raises: the connection breaks, so that no client takes a part for the whole.
    """

    def __init__(self, opened: OpenedDownload, pieces: Stretch) -> None:
        self._opened = opened
        self._pieces = pieces
        self._is_closed = False
        # The web server may close it while another thread still reads the next piece.
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
        """Stop reading, and release the backup."""
        with self._guard:
            self._close()

    def _close(self) -> None:
        self._is_closed = True
        try:
            self._pieces.close()
        finally:
            self._opened.close()


def _in_small_pieces(pieces: Stretch) -> Stretch:
    with contextlib.closing(pieces):
        for piece in pieces:
            for start in range(0, len(piece), _PIECE):
                yield piece[start : start + _PIECE]


def open_download(job: uuid.UUID, path: bytes = b"") -> OpenedDownload:
    """Open the whole backup of a job as one package, or the file at a path in it, or the folder there as a `.tar`.

    Raises `JobNotFound`, `BackupNotFound`, `BackupRemoved`, `Withheld`, `PackageRefused`, `RepositoryLocked`, `Damaged`
    and any other error that keeps the backup from being read.
    """
    row = stored_backup(job)
    require_not_withheld(path)
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
    package = job_ref(row).package
    if package is None:
        raise AssertionError("A job with a package has one.")
    file = resources.enter_context(open_package_file(package))
    # Retention may have marked it for removal before we opened it.
    stored_backup(row.uuid)
    whole = PackageFileDownload(file, package.name, row.checksum)
    if not path:
        return _Found(whole, package.name, GZIP if package.name.endswith(PLAIN_PACKAGE) else ANYTHING)
    member = MemberDownload(proved_package(package, file), path, whole)
    return _Found(member, _displayed(path.rpartition(b"/")[2]), ANYTHING)


def _open_snapshot(row: BackupJob, path: bytes, resources: contextlib.ExitStack) -> _Found:
    view, lock = resources.enter_context(open_snapshot(row, job_ref(row)))
    if not path:
        whole = PackageDownload(view, without=WITHHELD_FOLDERS, not_packed={TITLES.encode()}, measures=_measures)
        return _Found(whole, f"{row.job_name}{PLAIN_PACKAGE}", GZIP, lock)
    return dataclasses.replace(_part(view, path), lock=lock)


def _part(view: SnapshotView, path: bytes) -> _Found:
    node = view.find(path)
    if node is None:
        raise BackupNotFound(f"There is no {text_of(path)!r} in the backup.")
    if node.kind is NodeKind.FILE:
        return _Found(FileDownload(view, node), _displayed(node.name), ANYTHING)
    if node.kind is NodeKind.DIR:
        return _Found(FolderDownload(view, node, measures=_measures), f"{_displayed(node.name)}.tar", TAR)
    raise RequestRefused(f"{text_of(path)!r} is a link or a special file, which has no content; take its folder.")


def _displayed(name: bytes) -> str:
    return name.decode("utf-8", "replace")
