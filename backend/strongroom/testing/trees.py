"""Folders as Python literals: written to a disk, and read back to be compared.

{b"a.txt": File(b"text", mode=0o640), b"sub": {b"link": Link(b"../a.txt")}}
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
from collections.abc import Mapping
from typing import TypeAlias

_T0 = 1_700_000_000_123_456_789


@dataclasses.dataclass(frozen=True)
class File:
    """A regular file. A `size` larger than the content makes a hole at the end."""

    content: bytes = b""
    mode: int = 0o644
    mtime_ns: int = _T0
    xattrs: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    size: int | None = None


@dataclasses.dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: bytes


@dataclasses.dataclass(frozen=True)
class HardLink:
    """A hard link to a file, given by its path from the root of the literal. The file must come first."""

    to: bytes


@dataclasses.dataclass(frozen=True)
class Fifo:
    """A named pipe."""

    mode: int = 0o600


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder whose mode or time matters; a plain dict is a folder without special metadata."""

    entries: Tree
    mode: int = 0o755
    mtime_ns: int = _T0


Entry: TypeAlias = "File | Link | HardLink | Fifo | Folder | Tree"
Tree: TypeAlias = Mapping[bytes, Entry]


def build(place: str | os.PathLike[str], tree: Tree) -> None:
    """Write a literal into a folder, which is made if it is missing."""
    root = os.fsencode(place)
    os.makedirs(root, exist_ok=True)
    _build(root, root, tree)


def _build(root: bytes, here: bytes, tree: Tree) -> None:
    for name, entry in tree.items():
        path = os.path.join(here, name)
        if isinstance(entry, File):
            with open(path, "wb") as file:
                file.write(entry.content)
                if entry.size is not None:
                    file.truncate(entry.size)
            for attribute, value in entry.xattrs.items():
                os.setxattr(path, attribute, value)
            os.chmod(path, entry.mode)
            os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))
        elif isinstance(entry, Link):
            os.symlink(entry.target, path)
        elif isinstance(entry, HardLink):
            os.link(os.path.join(root, entry.to), path)
        elif isinstance(entry, Fifo):
            os.mkfifo(path)
            os.chmod(path, entry.mode)
        else:
            folder = entry if isinstance(entry, Folder) else Folder(entry)
            os.mkdir(path)
            _build(root, path, folder.entries)
            os.chmod(path, folder.mode)
            os.utime(path, ns=(folder.mtime_ns, folder.mtime_ns))


@dataclasses.dataclass(frozen=True)
class Seen:
    """All properties of an entry that a restore must bring back. `same_as` is the first path of the same inode."""

    kind: int
    mode: int
    owner: tuple[int, int]
    size: int
    mtime_ns: int
    detail: bytes | str | int
    xattrs: tuple[tuple[str, bytes], ...]
    same_as: bytes | None


def look(place: str | os.PathLike[str]) -> dict[bytes, Seen]:
    """Return all entries below a folder, by their relative paths."""
    root = os.fsencode(place)
    seen: dict[bytes, Seen] = {}
    inodes: dict[tuple[int, int], bytes] = {}
    for folder, folders, files in os.walk(root):
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            seen[os.path.relpath(path, root)] = _look(path, os.path.relpath(path, root), inodes)
    return seen


def _look(path: bytes, relative: bytes, inodes: dict[tuple[int, int], bytes]) -> Seen:
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    detail: bytes | str | int = b""
    if stat.S_ISLNK(status.st_mode):
        detail = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            detail = hashlib.file_digest(file, "sha256").hexdigest()
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        detail = status.st_rdev
    same_as = None
    if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
        same_as = inodes.setdefault((status.st_dev, status.st_ino), relative)
    names = sorted(os.listxattr(path, follow_symlinks=False)) if hasattr(os, "listxattr") else []
    return Seen(
        kind,
        stat.S_IMODE(status.st_mode),
        (status.st_uid, status.st_gid),
        0 if stat.S_ISDIR(status.st_mode) else status.st_size,
        status.st_mtime_ns,
        detail,
        tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names),
        None if same_as == relative else same_as,
    )
