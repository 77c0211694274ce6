"""Packages out: one `.tar.gz` of everything that is handed over, encrypted if asked for, complete or not there at all.

The same content, handed in with the same time, gives the same bytes.
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

from strongroom.entries import Entry, Problem
from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages.archive_writer import Packing
from strongroom.packages.gzip_writer import LEVEL, STORED
from strongroom.packages.openpgp import Encryptor
from strongroom.packages.package_file import message_passphrase
from strongroom.packages.reader import Package, Progress, open_package
from strongroom.packages.write_errors import unwritable
from strongroom.passphrase import Passphrase, read_passphrase

_PARTIAL: Final = ".partial"
_LEFTOVER: Final = re.compile(r"\..+\.[a-z0-9_]{8}" + re.escape(_PARTIAL))
_DAY: Final = 86400.0
"""Seconds without a byte from which on nobody writes it any more, as in repositories."""


@dataclass(frozen=True)
class PackageResult:
    """A package that has been written and read back. Sizes are bytes; `problems` were met in what lies on a disk,
    `notes` tell what else one may want to know."""

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
    """Write `entries` into one new file at `path`, readable by its owner only; encrypted with `passphrase`.

    The entries are read in the order in which they stand in a package, whatever theirs is: see `order`. README.txt and
    SHA256SUMS are added; `manifest.json`, the last to be read, must be among them. `mtime_ns` is the time of all that
    has none of its own, in nanoseconds since the epoch.

    It is written beside its final name, read back, through decryption too, and only then gets its name. `reading` is
    called while it is read back, first with nothing done. `verify` says what is wrong with its content, nothing if it
    is empty. `before_publish` is called immediately before it gets its name, and what it raises leaves nothing.
    `on_problem` is called as soon as something on a disk could not be read as it should be.

    Raises `PackageRefused` (the file exists, no space, no rights, a name that packages do not have), `PackageDamaged`
    when it is not read back as it was written, and what the sources raise.
    """
    if path.exists() or path.is_symlink():
        raise PackageRefused(f"{path} exists; nothing is ever overwritten. Choose another name or move it away.")
    try:
        with temporary_file(path) as (temporary, file):
            encryptor = None if passphrase is None else Encryptor(file, message_passphrase(passphrase))
            packing = Packing(
                file if encryptor is None else encryptor,
                path.parent,
                mtime_ns=mtime_ns,
                level=LEVEL if compression else STORED,
                progress=progress,
                on_problem=on_problem,
            )
            with contextlib.closing(packing):
                packing.pack(entries)
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
    return PackageResult(size, sha256, packing.files, packing.content_bytes, packing.problems, packing.notes)


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
        raise PackageRefused(f"{path} would not be taken back, so it was removed: {error}") from error
    if findings:
        raise PackageDamaged(f"What was written to {path} is not what was read, so it was removed: {findings[0]}")


@contextlib.contextmanager
def temporary_file(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside `path` that is gone when the block ends, unless it got another name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=_PARTIAL, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> int:
    """Remove what writers that were killed more than a day ago have left in a folder; how many bytes came back."""
    freed = 0
    for path in [path for path in folder.glob(f".*{_PARTIAL}") if _LEFTOVER.fullmatch(path.name)]:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # its package was just completed
        if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > _DAY:
            path.unlink(missing_ok=True)
            # A second name of a package that was complete takes no room.
            freed += status.st_size if status.st_nlink == 1 else 0
    return freed


def measure_file(path: Path) -> tuple[int, str]:
    """The size and the SHA-256 of a file."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _publish(temporary: Path, path: Path) -> None:
    try:
        # A link never replaces a file that has come to be there meanwhile; a rename would.
        os.link(temporary, path)
    except FileExistsError as error:
        raise PackageRefused(f"{path} has come to exist meanwhile; it was not overwritten.") from error
    sync_names(path.parent)


def sync_names(place: Path) -> None:
    """Force the names in a folder to the disk."""
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
