"""Import a folder of files as documents: files are streamed, rows are written in batches."""

import contextlib
import mimetypes
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from .files import SourceUnreadable, file_store, files_delete
from .models import Category, Document
from .names import as_text, as_title
from .progress import FileProgress
from .services import NewDocument, category_get_or_create, documents_create

# Documents per transaction: many enough that rows cost little compared with files, few enough that other writers are
# not blocked for long.
BATCH: Final = 250
ACTOR: Final = "import_documents"
TITLE_LENGTH: Final = Document._meta.get_field("title").max_length or 255
KINDS: Final = {
    stat.S_IFLNK: "symbolic links",
    stat.S_IFIFO: "pipes",
    stat.S_IFSOCK: "sockets",
    stat.S_IFCHR: "devices",
    stat.S_IFBLK: "devices",
}


class NotOpened(Exception):
    """A file could not be opened. The message is the reason of the system."""


@dataclass
class ImportReport:
    """The result of an import. Sizes are bytes; `failed` has names in percent notation with reasons."""

    folder: str
    files: int = 0
    size: int = 0
    seconds: float = 0.0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False


def folder_import(folder: bytes, *, limit: int | None = None, stop: Callable[[], bool] = lambda: False) -> ImportReport:
    """Create a document for every regular file below the folder, at most for the first `limit` files.

    Symbolic links are not followed; they and other special files are counted in `skipped`. A file or folder that cannot
    be read is listed in `failed`, and the import continues. Files are imported in the order of their names. When `stop`
    returns True, the import ends after the current file, and the report is `stopped`. An error of the storage or the
    database ends the import; finished batches are kept.
    """
    report = ImportReport(as_text(folder))
    started = time.monotonic()
    files, size = _measure(folder, limit)
    batch: list[NewDocument] = []
    categories: dict[str, Category] = {}
    try:
        with FileProgress("imported", files=files, size=size) as progress:
            for path in _regular_files(folder, report, limit=limit):
                new = _take_in(path, os.path.relpath(path, folder), report, categories)
                if new is None:
                    continue
                batch.append(new)
                progress.advance(new.content.size)
                report.stopped = stop()
                if len(batch) == BATCH or report.stopped:
                    _write(batch, report)
                if report.stopped:
                    break
            if batch:
                _write(batch, report)
    except BaseException:
        # For example, the disk is full: these files would not belong to any document.
        files_delete([item.content.name for item in batch])
        raise
    report.seconds = time.monotonic() - started
    return report


def _write(batch: list[NewDocument], report: ImportReport) -> None:
    documents_create(batch, actor=ACTOR)
    report.files += len(batch)
    report.size += sum(item.content.size for item in batch)
    batch.clear()


def _take_in(path: bytes, relative: bytes, report: ImportReport, categories: dict[str, Category]) -> NewDocument | None:
    try:
        with _open_regular(path) as source:
            content = file_store(source, source_name=relative)
    except (NotOpened, SourceUnreadable) as error:
        report.failed.append((as_text(relative), str(error)))
        return None
    kind = _category_name(relative)
    if kind not in categories:
        categories[kind] = category_get_or_create(kind)
    return NewDocument(as_title(relative, TITLE_LENGTH), categories[kind], content)


def _open_regular(path: bytes) -> BinaryIO:
    """Open a file that was regular when its folder was listed. It may have been replaced since."""
    try:
        # A pipe would wait for its writer for ever, and a link could lead outside of the folder.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotOpened(error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotOpened("no longer a regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _category_name(relative: bytes) -> str:
    guessed, _ = mimetypes.guess_type(as_text(relative), strict=False)
    return (guessed or "other").partition("/")[0].capitalize()


def _measure(folder: bytes, limit: int | None) -> tuple[int, int]:
    """Return the number and size of the files to import, only for the progress."""
    files = size = 0
    for path in _regular_files(folder, ImportReport(""), limit=limit):
        files += 1
        # A file that was deleted after its folder was listed is reported when it is opened.
        with contextlib.suppress(FileNotFoundError):
            size += os.lstat(path).st_size
    return files, size


def _regular_files(folder: bytes, report: ImportReport, *, limit: int | None) -> Iterator[bytes]:
    left = limit
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            report.failed.append((as_text(os.path.relpath(here, folder)), error.strerror or str(error)))
            continue
        # The last entry is popped first, so that folders come in the order of their names.
        waiting.extend(entry.path for entry in reversed(entries) if entry.is_dir(follow_symlinks=False))
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                continue
            if not entry.is_file(follow_symlinks=False):
                report.skipped[_kind(entry)] += 1
                continue
            if left == 0:
                return
            if left is not None:
                left -= 1
            yield entry.path


def _kind(entry: os.DirEntry[bytes]) -> str:
    return KINDS.get(stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode), "other special files")
