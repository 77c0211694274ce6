"""Write packages: one `.tar.gz` of all entries, optionally encrypted. A package is complete, or it does not exist.

The same content with the same time gives the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from strongroom.durable_names import publish_new, sync_folder
from strongroom.entries import Entry, Problem
from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages.archive_writer import ArchiveWriter
from strongroom.packages.gzip_writer import LEVEL, STORED
from strongroom.packages.openpgp import Encryptor
from strongroom.packages.package_file import message_passphrase
from strongroom.packages.reader import Package, Progress, open_package
from strongroom.packages.write_errors import unwritable
from strongroom.passphrase import Passphrase, read_passphrase

_PARTIAL: Final = ".partial"
_LEFTOVER: Final = re.compile(r"\..+\.[a-z0-9_]{8}" + re.escape(_PARTIAL))
_DAY: Final = 86400.0
"""Seconds since the last write after which a temporary file is abandoned, as in repositories."""


@dataclass(frozen=True)
class PackageResult:
    """A package that was written and verified. Sizes are bytes.

    `problems` are paths that could not be stored completely, `notes` are further remarks for the user.
    """

    size: int
    sha256: str
    files: int
    content_bytes: int
    problems: list[Problem]
    notes: list[str]


def write_package(
    path: Path,
    entries: Iterable[Entry],
    *,
    mtime_ns: int,
    passphrase: Passphrase | None = None,
    compression: bool = True,
    progress: Progress | None = None,
    reading: Progress | None = None,
    verify: Callable[[Package], list[str]] | None = None,
    before_publish: Callable[[], None] | None = None,
    on_problem: Callable[[Problem], None] | None = None,
) -> PackageResult:
    """Write `entries` into one new file at `path`, readable only by its owner; encrypted if there is a `passphrase`.

    The entries are read in the order of packages: see `member_order`. README.txt and SHA256SUMS are added;
    `manifest.json` must be among the entries and is read last. `mtime_ns` is the time of entries without their own, in
    nanoseconds since the epoch.

    The package is written under a temporary name, verified, with decryption, and then renamed. `reading` is called
    while it is verified, first with zeros. `verify` returns the faults of its content, empty if there are none.
    `before_publish` is called immediately before the rename; if it raises, no file is left. `on_problem` is called as
    soon as a path could not be stored completely.

    Raises `PackageRefused` (the file exists, no space, no permission, an invalid name), `PackageDamaged` if the written
    file is damaged, and the errors of the sources.
    """
    if path.exists() or path.is_symlink():
        raise PackageRefused(f"{path} already exists and is not overwritten. Choose another name, or move it away.")
    try:
        with temporary_file(path) as (temporary, file):
            encryptor = None if passphrase is None else Encryptor(file, message_passphrase(passphrase))
            archive = ArchiveWriter(
                file if encryptor is None else encryptor,
                path.parent,
                mtime_ns=mtime_ns,
                level=LEVEL if compression else STORED,
                progress=progress,
                on_problem=on_problem,
            )
            with contextlib.closing(archive):
                archive.pack(entries)
            if encryptor is not None:
                encryptor.finish()
            file.flush()
            os.fsync(file.fileno())
            _read_back(temporary, path, passphrase=passphrase, reading=reading, verify=verify)
            size, sha256 = measure_file(temporary)
            if before_publish is not None:
                before_publish()
            _publish(temporary, path)
    except OSError as error:
        raise unwritable(path, error, "nothing was left there") from error
    return PackageResult(size, sha256, archive.files, archive.content_bytes, archive.problems, archive.notes)


def _read_back(
    temporary: Path,
    path: Path,
    *,
    passphrase: Passphrase | None,
    reading: Progress | None,
    verify: Callable[[Package], list[str]] | None,
) -> None:
    if reading is not None:
        reading(0, 0)
    source = read_passphrase if passphrase is None else lambda: passphrase
    try:
        package = open_package(temporary, passphrase=source, ours=True, progress=reading)
        findings = verify(package) if verify is not None else []
    except PackageDamaged as error:
        findings = [str(error)]
    except PackageRefused as error:
        raise PackageRefused(f"The package {path} could not be opened again, so it was removed: {error}") from error
    if findings:
        raise PackageDamaged(f"The package {path} failed its verification, so it was removed: {findings[0]}")


@contextlib.contextmanager
def temporary_file(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Give a file beside `path` that is removed when the block ends, unless it was renamed."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=_PARTIAL, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> int:
    """Remove temporary files of writers that were killed more than a day ago. Return the freed bytes."""
    freed = 0
    for path in [path for path in folder.glob(f".*{_PARTIAL}") if _LEFTOVER.fullmatch(path.name)]:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # its package has just been completed
        if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > _DAY:
            path.unlink(missing_ok=True)
            # A second name of a complete package takes no space.
            freed += status.st_size if status.st_nlink == 1 else 0
    return freed


def measure_file(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _publish(temporary: Path, path: Path) -> None:
    try:
        publish_new(temporary, path)
    except FileExistsError as error:
        raise PackageRefused(f"Another process has just created {path}. It was not overwritten.") from error
    sync_folder(path.parent)
