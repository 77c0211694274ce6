"""What a package holds, onto the disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from strongroom.streams import Reader

from .errors import PackageRefused
from .reading import Package, Progress, read_through
from .tarformat import Member


def extract(package: Package, routes: Mapping[bytes, Path], *, progress: Progress | None = None) -> None:
    """Write out what lies at or below each path of `routes`, to its target; everything is checked once more.

    A target is a file or folder that does not exist yet, in a folder that does; b"" means everything. Owners are set
    where we may. Raises `PackageRefused`: when anything is wrong with the package, or it has changed since it was
    opened, or the disk is full. What has been written by then is the caller's to remove.
    """
    extraction = _Extraction(routes)
    again = read_through(package.file, extraction.place, progress=progress)
    if again.total != package.total or again.manifest != package.manifest:
        raise PackageRefused(f"The package {package.path} has changed while it was read; start again.")
    extraction.finish()


class _Extraction:
    def __init__(self, routes: Mapping[bytes, Path]) -> None:
        self._routes = sorted(routes.items(), key=lambda route: len(route[0]), reverse=True)
        self._folders: list[tuple[Path, Member]] = []

    def place(self, member: Member, content: Reader) -> Reader:
        target = self._target(member.name)
        if target is None:
            return content
        try:
            if member.is_folder:
                target.mkdir(mode=0o700, exist_ok=target in {path for _, path in self._routes})
                self._folders.append((target, member))
                return content
            return _Copy(content, target, member)
        except OSError as error:
            raise _unwritable(target, error) from error

    def _target(self, name: bytes) -> Path | None:
        for source, target in self._routes:
            if name == source:
                return target
            if not source:
                return target / os.fsdecode(name)
            if name.startswith(source + b"/"):
                return target / os.fsdecode(name[len(source) + 1 :])
        return None

    def finish(self) -> None:
        # Deepest first: setting a folder's time comes after everything in it has been written.
        for path, member in reversed(self._folders):
            try:
                _set_metadata(path, member)
            except OSError as error:
                raise _unwritable(path, error) from error


class _Copy:
    """Passes content on and writes it to a file."""

    def __init__(self, content: Reader, target: Path, member: Member) -> None:
        self._content = content
        self._target = target
        self._member = member
        self._file = os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")

    def read(self, size: int, /) -> bytes:
        try:
            try:
                piece = self._content.read(size)
            except PackageRefused:
                self._file.close()
                raise
            if piece:
                self._file.write(piece)
                return piece
            if not self._file.closed:
                self._file.close()
                _set_metadata(self._target, self._member)
        except OSError as error:
            raise _unwritable(self._target, error) from error
        return b""

    def close(self) -> None:
        self._file.close()


def _set_metadata(path: Path, member: Member) -> None:
    if os.geteuid() == 0:
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
    path.chmod(member.mode & 0o777)
    os.utime(path, ns=(member.mtime_ns, member.mtime_ns))


def _unwritable(target: Path, error: OSError) -> PackageRefused:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return PackageRefused(
            f"There is no space left for {target}; nothing live was changed. Make room and try again."
        )
    return PackageRefused(f"{target} cannot be written: {error.strerror}; nothing live was changed.")
