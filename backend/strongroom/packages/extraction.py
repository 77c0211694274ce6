"""Write the content of a package to the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from strongroom.errors import NoSpace, PackageRefused, TargetNotEmpty
from strongroom.packages.reader import Package, Progress, Tally
from strongroom.packages.tar_format import Member, shown
from strongroom.packages.write_errors import unwritable
from strongroom.selection import Selection
from strongroom.streams import Reader

_LEFT: Final = "the files that were unpacked before are still there and incomplete"
_PIECE: Final = 1 << 20


def unpack(package: Package, target: Path, *, inside: bytes = b"", progress: Progress | None = None) -> Tally:
    """Write the file `inside`, or everything below the folder of that name, into the empty or absent folder `target`.

    b"" means everything. Returns the counts of the written files. Raises, before anything is written, `TargetNotEmpty`,
    `NoSpace`, or `PackageRefused` for a name that is not in the package; later the errors of `extract`.
    """
    require_empty(target)
    found = package.total if not inside else _tally(package, inside)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = os.statvfs(target)
    except OSError as error:
        raise unwritable(target, error, "nothing was unpacked") from error
    free = status.f_bavail * status.f_frsize
    if found.bytes > free:
        raise NoSpace(
            f"{target} has {free:,} bytes free, but {found.bytes:,} are needed. Nothing was unpacked. Free space, or"
            " unpack into another folder."
        )
    extract(package, {inside: target}, progress=progress)
    return found


def require_empty(target: Path) -> None:
    """Raise `TargetNotEmpty` unless `target` is an empty folder or not there."""
    if target.is_symlink() or target.exists():
        try:
            empty = not any(target.iterdir())
        except OSError as error:
            raise unwritable(target, error, "nothing was unpacked") from error
        if not empty:
            raise TargetNotEmpty(
                f"{target} is not an empty folder. Unpack into a new or empty folder. Nothing was changed."
            )


def _tally(package: Package, inside: bytes) -> Tally:
    total: Tally | None = None
    with package.walk(inside) as found:
        for member, _ in found:
            # The folder itself becomes the target and does not count.
            is_itself = member.name == inside and member.is_folder
            total = (total or Tally()) if is_itself else (total or Tally()).plus(member)
    if total is None:
        raise PackageRefused(
            f"The package {package.path} has no {shown(inside)!r}. `strongroom package list` lists its content."
        )
    return total


def extract(
    package: Package,
    routes: Mapping[bytes, Path],
    *,
    only: Selection | None = None,
    progress: Progress | None = None,
) -> Tally:
    """Write everything at or below each path of `routes` to its target; b"" means everything.

    With `only`, restrict this to the selected paths and the folders above them. Returns the counts of the members that
    were read. A target is an empty folder, or one that does not exist yet in an existing folder; a file is written into
    its target under its own name. Owners are set as root only. Raises `PackageRefused` if the package has changed since
    it was opened, or the disk is full. The caller removes the files that were written before the error.
    """
    extraction = _Extraction(routes)
    done = Tally()
    with package.walk(*([] if only is None else only.paths), leading=True) as found:
        for member, content in found:
            extraction.place(member, content)
            done = done.plus(member)
            if progress is not None and not member.is_folder:
                progress(done.files, done.bytes)
    extraction.finish()
    return done


class _Extraction:
    def __init__(self, routes: Mapping[bytes, Path]) -> None:
        self._routes = sorted(routes.items(), key=lambda route: len(route[0]), reverse=True)
        self._targets = frozenset(routes.values())
        self._folders: list[tuple[Path, Member]] = []

    def place(self, member: Member, content: Reader) -> None:
        target = self._target(member)
        if target is None:
            return
        try:
            if member.is_folder:
                target.mkdir(mode=0o700, exist_ok=target in self._targets)
                self._folders.append((target, member))
                return
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                _copy(content, file)
            _set_metadata(target, member)
        except OSError as error:
            raise unwritable(target, error, _LEFT) from error

    def _target(self, member: Member) -> Path | None:
        name = member.name
        for source, target in self._routes:
            if name == source:
                return target if member.is_folder else target / os.fsdecode(name.rpartition(b"/")[2])
            if not source:
                return target / os.fsdecode(name)
            if name.startswith(source + b"/"):
                return target / os.fsdecode(name[len(source) + 1 :])
        return None

    def finish(self) -> None:
        # Deepest first: the time of a folder is set after everything in it was written.
        for path, member in reversed(self._folders):
            try:
                _set_metadata(path, member)
            except OSError as error:
                raise unwritable(path, error, _LEFT) from error


def _copy(content: Reader, file: IO[bytes]) -> None:
    while piece := content.read(_PIECE):
        file.write(piece)


def _set_metadata(path: Path, member: Member) -> None:
    if os.geteuid() == 0:
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
    path.chmod(member.mode & 0o777)
    os.utime(path, ns=(member.mtime_ns, member.mtime_ns))
