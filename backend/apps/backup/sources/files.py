"""File trees as a source: MEDIA_ROOT, the folders of all FileFields, and BACKUP_FILE_ROOTS."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import stat
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings as project
from django.db import connections

from strongroom.entries import Entry, Folder, OnDisk
from strongroom.long_paths import reachable
from strongroom.sparse_files import data_bytes

from .. import conf
from ..core.manifest import FileRootRecord
from ..deferred_deletes import FOLDER, Held
from .engines.registry import DATABASE_ENGINES
from .errors import SourceRefused
from .file_references import NamedFiles, ReferenceField

RESTORE_MARK: Final = ".edms-restore-"
"""Part of the name of each entry that a restore puts beside or into a live folder; such entries are never captured."""
_MARK: Final = os.fsencode(RESTORE_MARK)
_HELD_FILES: Final = os.fsencode(FOLDER)


@dataclass(frozen=True)
class FileRoot:
    """A folder that is backed up with everything in it; `path` is resolved."""

    name: str
    path: Path


def file_roots(fields: Sequence[ReferenceField]) -> list[FileRoot]:
    """Return the folders to capture. One that lies inside another is captured only as a part of it.

    Raises `SourceRefused` if a root lies inside the storage of the backups, or if two roots have one name.
    """
    named: list[FileRoot] = []
    if project.MEDIA_ROOT:
        named.append(FileRoot("media", Path(os.path.realpath(project.MEDIA_ROOT))))
    settings = conf.load()
    for name, path in settings.file_roots.items():
        root = FileRoot(name, Path(os.path.realpath(path)))
        if any(root.name == other.name and root.path != other.path for other in named):
            raise SourceRefused(
                f"BACKUP_FILE_ROOTS calls {root.path} {name!r}, which is the name of MEDIA_ROOT; choose another name."
            )
        if root not in named:
            named.append(root)
    taken = {root.name for root in named}
    for location in sorted({field.location for field in fields if field.location and field.storage != "text"}):
        path = Path(location)
        if not _inside_any(path, [root.path for root in named]) and (project.MEDIA_ROOT or path != Path.cwd()):
            name = _free_name(path.name or "root", taken)
            taken.add(name)
            named.append(FileRoot(name, path))
    for root in named:
        for storage in settings.roots:
            if _inside_any(root.path, [Path(os.path.realpath(storage))]):
                raise SourceRefused(
                    f"The file root {root.name!r} ({root.path}) lies inside the backup storage {storage}; move one."
                )
    return [root for root in named if not any(_is_within(root, other, named) for other in named)]


def _free_name(name: str, taken: Collection[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def _inside_any(path: Path, folders: Sequence[Path]) -> bool:
    return any(path == folder or path.is_relative_to(folder) for folder in folders)


def _is_within(root: FileRoot, other: FileRoot, order: Sequence[FileRoot]) -> bool:
    if root.path == other.path:
        return order.index(other) < order.index(root)
    return root.path.is_relative_to(other.path)


def never_captured(staging: Path) -> list[bytes]:
    """Return paths that are always left out: the backups, and the live databases, which are copied separately."""
    return [os.fsencode(path) for path in (*_never_in_roots(), os.path.realpath(staging))]


def is_never_captured(path: bytes, never: Collection[bytes]) -> bool:
    """Return whether a live path itself is left out of every backup: one of `never_captured`, or made by ourselves."""
    name = path.rpartition(b"/")[2]
    return path in never or _MARK in name or name == _HELD_FILES


def never_captured_in(root: FileRoot) -> list[str]:
    """Describe the contents of a root that are never captured."""
    found = [f"the backup storage {path}" for path in storages() if path.is_relative_to(root.path)]
    return found + [
        f"the database {alias!r} ({path})" for alias, path in database_files().items() if path.is_relative_to(root.path)
    ]


def stays_inside(folder: Path) -> list[str]:
    """Return the paths in a folder that stay when its contents are replaced: those that are never captured."""
    return sorted(str(path.relative_to(folder)) for path in map(Path, _never_in_roots()) if path.is_relative_to(folder))


def _never_in_roots() -> list[str]:
    """Return the paths of the backups, of their working folders, and of the files of live databases."""
    settings = conf.load()
    paths = [str(path) for path in (*storages(), Path(os.path.realpath(settings.fallback_root)))]
    # A link to the storage must stay, too.
    links = [root for root in settings.roots if os.path.islink(root)]  # noqa: PTH114  raises nothing
    paths += [str(Path(os.path.realpath(link.parent), link.name)) for link in links]
    for alias, live in database_files().items():
        paths += [str(live), *(f"{live}{suffix}" for suffix in DATABASE_ENGINES[connections[alias].vendor].side_files)]
    return paths


def storages() -> list[Path]:
    """Return the folders of the backups, resolved."""
    return [Path(os.path.realpath(storage)) for storage in conf.load().roots]


def database_files() -> dict[str, Path]:
    """Return the files of the databases that are files, by alias."""
    found = {}
    for alias in connections:
        engine = DATABASE_ENGINES.get(connections[alias].vendor)
        if engine is not None and engine.is_file:
            with contextlib.suppress(SourceRefused):  # a database in memory has no file
                found[alias] = engine.file_of(alias)
    return found


_KINDS: Final = frozenset({"databases", "files"})


class Selection:
    """The paths that a configuration includes.

    `include` and `exclude` are patterns (`*`, `?`, `[…]`; `*` also matches `/`) for paths as they are in the snapshot:
    `files/media/tmp/*`, `databases/default`. An exclude pattern without a slash is for names: `*.tmp`. With `include`
    given, only databases and file roots that match it are captured.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = {pattern: _matcher(pattern) for pattern in include}
        wanted_not = [pattern.rstrip("/") for pattern in exclude]
        self._paths = [_matcher(pattern) for pattern in wanted_not if "/" in pattern]
        self._names = [_matcher(pattern) for pattern in wanted_not if "/" not in pattern]

    def wants(self, path: str) -> bool:
        """Return whether a database or file root is captured."""
        name = os.fsencode(path)
        if self._include and not any(matches(name) for matches in self._include.values()):
            return False
        return not self.leaves_out(name)

    def unmatched_includes(self, names: Sequence[str]) -> list[str]:
        """Return the include patterns for this kind that match none of these databases and file roots."""
        kinds = {name.partition("/")[0] for name in names}
        return [
            pattern
            for pattern, matches in self._include.items()
            if not any(matches(os.fsencode(name)) for name in names)
            and (kinds == _KINDS or pattern.partition("/")[0] not in _KINDS - kinds)
        ]

    def leaves_out(self, path: bytes) -> bool:
        """Return whether this path itself is excluded; the folders above it are checked separately."""
        name = path.rpartition(b"/")[2]
        return any(matches(name) for matches in self._names) or any(matches(path) for matches in self._paths)


def _matcher(pattern: str) -> Callable[[bytes], object]:
    # `fnmatch` itself caches only a few hundred compiled patterns.
    expression = fnmatch.translate(os.fsencode(pattern).decode("latin-1"))
    return re.compile(expression.encode("latin-1")).match


class RootCapture:
    """One file root while it is read, with the paths that are left out and the files that were read."""

    def __init__(
        self,
        root: FileRoot,
        selection: Selection,
        *,
        never: Collection[bytes],
        named: NamedFiles,
        owned: bool,
        held: Held,
        recalls: bool = False,
        absent: bool = False,
    ) -> None:
        self.root = root
        self.absent = absent
        """Whether there is no folder yet, because no file was ever stored in it. It is captured as an empty one."""
        self._selection = selection
        self._never = frozenset(never)
        self._named = named
        self.owned = owned
        """Whether it is the storage of a FileField, so that rows name the files in it."""
        self._held = held
        self._recalls = recalls
        self._base = os.fsencode(root.path)
        self._inside = b"files/" + os.fsencode(root.name)
        self._lock = threading.Lock()
        self._files = self._folders = self._others = self._bytes = 0

    def entry(self) -> Entry:
        """Return the entry for the archiver."""
        if self.absent:
            return Folder(os.fsencode(self.root.name), [])
        recall = self._recall if self._recalls else None
        return OnDisk(os.fsencode(self.root.name), self._base, self._leaves_out, refuge=self, recall=recall)

    def names(self, folder: bytes) -> list[bytes]:
        """Return the held files of a folder that were deleted since the consistency point (see `DeletedFiles`)."""
        found = [name for name in self._held.names(folder) if not self.excludes(folder + b"/" + name)]
        return [name for name in found if self._is_wanted(folder + b"/" + name)]

    def find(self, path: bytes) -> bytes | None:
        """Return the path at which a deleted file is held (see `DeletedFiles`)."""
        found = self._held.find(path)
        if found is None or not self._is_wanted(path):
            return None
        if not os.path.isdir(found):  # noqa: PTH112  bytes
            self._note(path, os.lstat(found).st_size)
        return found

    def _is_wanted(self, path: bytes) -> bool:
        """Return whether a file belongs to the backup: it was there at the consistency point, or a row names it."""
        return not self._held.is_linked(path) or self._named.names(path) or self._named.names_within(path)

    def _recall(self, path: bytes) -> bool:
        """Return whether a file that is gone, and that the first pass has read, is named by a row: it belongs here."""
        if self.excludes_within(path) or not self._named.names(path):
            return False
        self._note(path, 0)
        return True

    def _note(self, path: bytes, size: int) -> None:
        if not self._named.was_read(path):
            self._named.add_read(path, size, owned=self.owned)
            with self._lock:
                self._files += 1
                self._bytes += size

    def note_vanished(self, path: bytes) -> None:
        """Note that a file vanished after it was found: it is not counted."""
        size = self._named.remove_vanished(path)
        if size is not None:
            with self._lock:
                self._files -= 1
                self._bytes -= size

    def holds(self, path: bytes) -> bool:
        """Return whether a path lies in this root."""
        return path.startswith(self._base + b"/")

    def inside(self, path: bytes) -> bytes:
        """Return the path in the backup of a path that lies in this root."""
        return self._inside + path[len(self._base) :]

    def _leaves_out(self, path: bytes) -> bool:
        """Return whether the archiver leaves `path` out; called before it reads the path. Counts included files."""
        if self.excludes(path):
            return True
        try:
            status = os.lstat(path)
        except OSError:
            # The file is gone or cannot be read: the archiver reports that as a problem.
            return False
        with self._lock:
            if stat.S_ISREG(status.st_mode):
                self._files += 1
                self._bytes += status.st_size
            elif stat.S_ISDIR(status.st_mode):
                self._folders += 1
            else:
                self._others += 1
        if stat.S_ISREG(status.st_mode):
            self._named.add_read(path, status.st_size, owned=self.owned)
        return False

    def excludes(self, path: bytes) -> bool:
        """Return whether this path itself is left out."""
        return is_never_captured(path, self._never) or self._is_unwanted(path)

    def _is_unwanted(self, path: bytes) -> bool:
        return self._selection.leaves_out(self.inside(path))

    def excludes_within(self, path: bytes) -> bool:
        """Return whether `path` lies in this root and the configuration leaves out the path or a folder above it.

        Files that are never captured do not count: if a row names one, it is missing in the backup nevertheless.
        """
        if not self.holds(path):
            return False
        parts = path[len(self._base) + 1 :].split(b"/")
        return any(self._is_unwanted(b"/".join([self._base, *parts[: depth + 1]])) for depth in range(len(parts)))

    def record(self) -> FileRootRecord:
        """Return the figures so far."""
        return FileRootRecord(
            name=self.root.name,
            path=str(self.root.path),
            files=self._files,
            folders=self._folders,
            others=self._others,
            bytes=self._bytes,
        )


def excluded_by(captures: Sequence[RootCapture]) -> Callable[[bytes], bool]:
    """Return a function that says, for all roots, whether a path was left out on purpose."""
    return lambda path: any(capture.excludes_within(path) for capture in captures)


def tree_size(capture: RootCapture, *, with_holes: bool) -> int:
    """Return the bytes of all captured files of a root, with the holes of sparse files or without."""
    total = 0
    folders = [os.fsencode(capture.root.path)]
    while folders:
        # The archiver comes to an unreadable folder again, and reports it.
        folder = folders.pop()
        with contextlib.suppress(OSError), reachable(folder) as place, os.scandir(place) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name)  # noqa: PTH118  bytes
                if capture.excludes(path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_size if with_holes else data_bytes(path, status)
    return total
