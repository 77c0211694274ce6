"""Find columns of text whose values name files that no backup holds.

A value counts if it looks like a path and, from one of the folders that the project knows, leads to a regular file or
to a folder with files in it. Only names and kinds of files are read; no file is opened. A column is reported if several
of its values, or all of a few, lead to files outside of all file roots. If the values are names without a folder, all
of them must do so; if they have no file extension either, there must also be several. Values of a column in
BACKUP_REFERENCE_FIELDS are relative to its folder only. A text that is JSON is searched, in any kind of column.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

from django.apps import apps
from django.conf import settings as project
from django.db import models

from .. import conf
from ..core.manifest import OutsideColumn, OutsideFacts
from ..models import BackupJob
from .file_references import TEXT, ReferenceField, reference_fields
from .files import database_files, file_roots, storages
from .project_folders import base_dir, inside_any, is_code, is_hidden, not_backed_up, without_documents
from .sample_rows import LONGEST, Column, sample, text_tables
from .settings_paths import folders_in_settings

_SEVERAL: Final = 3
_TRIED: Final = 200
"""The number of values of a column that are searched on the disk, spread evenly over the sample."""
_MOST_BASES: Final = 64
_EXAMPLES: Final = 3
_MOST_LEAVES: Final = 50
"""The number of texts of one JSON value that are checked."""
_MOST_ENTRIES: Final = 100
"""The number of entries of a folder that are read to find a file."""
_JSON: Final = ("[", "{")
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_NAME: Final = re.compile(r"[^./\x00-\x1f][^./\x00-\x1f]{0,99}")
_SCHEME: Final = "file://"
_NO_PATH: Final = re.compile(r"[\x00-\x1f]|://|^\s|\s$")


def columns_outside(aliases: Sequence[str]) -> OutsideFacts:
    """Check the values in these live databases. Raises `SourceRefused` and `SettingsInvalid`, as each backup does."""
    search = _Search.of_project()
    named = {field.label: Path(field.location) for field in _fields() if field.storage == TEXT and field.location}
    tables = text_tables(without=frozenset({BackupJob._meta.app_label}))
    columns: dict[str, OutsideColumn] = {}
    unread: list[str] = []
    for alias in aliases:
        samples = sample(alias, tables)
        unread += [f"{what}: {why}" for what, why in samples.unread]
        for column, values in samples.values.items():
            known = named.get(column.label)
            one = search if known is None else dataclasses.replace(search, bases=[known])
            found = one.outside(column, values)
            if found is not None:
                columns.setdefault(found.label, found)
    return OutsideFacts(columns=list(columns.values()), unread=unread)


def still_outside(column: OutsideColumn) -> bool:
    """Return whether the current settings still leave out the files that were found. Raises as `columns_outside`."""
    held = [*_roots(), *not_backed_up()]
    return not all(inside_any(Path(folder), held) for folder in column.folders)


def _roots() -> list[Path]:
    return [root.path for root in file_roots(_fields())]


def _fields() -> list[ReferenceField]:
    return reference_fields(conf.load().reference_fields)


@dataclasses.dataclass(frozen=True, slots=True)
class _Hit:
    """A value that leads to a file, or to a folder of files. `base` is its starting folder, None for an absolute value.

    `is_path`: the value itself is the path of a file. A folder, an address on the web site, or one with `file:` is not.
    `folder` is the folder to be captured.
    """

    base: Path | None
    file: Path
    folder: Path
    is_path: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Search:
    """The search for the files of values: relative to `bases`, in `roots` or outside, but never in `unlike`.

    A folder that contains one of `crowded` is not a store of documents by itself.
    """

    roots: list[Path]
    unlike: list[Path]
    bases: list[Path]
    crowded: list[Path]

    @classmethod
    def of_project(cls) -> Self:
        """Return a search with the folders of the settings."""
        roots = _roots()
        unlike = [*without_documents(), *not_backed_up(), *database_files().values()]
        bases = dict.fromkeys(
            path
            for path in (*roots, *_bases())
            if os.path.isdir(path) and (path in roots or not inside_any(path, unlike))  # noqa: PTH112  raises nothing
        )
        base = base_dir()
        crowded = [*roots, *storages(), *([] if base is None else [base])]
        return cls(roots, unlike, list(bases)[:_MOST_BASES], crowded)

    def outside(self, column: Column, values: Sequence[str]) -> OutsideColumn | None:
        """Return the finding for a column, or None if its values name no files, or only captured ones."""
        leaves = {value: _leaves(value) for value in values if column.is_json or value.startswith(_JSON)}
        # In JSON, which may hold any text, only a text with a folder is a path.
        inside = [text for texts in leaves.values() for text in texts if "/" in text]
        plain = [value for value in values if not column.is_json and not leaves.get(value)]
        paths = list(filter(_looks_like_path, dict.fromkeys([*plain, *inside])))
        tried = paths[:: -(-len(paths) // _TRIED) or 1]
        found = {value: hit for value in tried if (hit := self._find(value)) is not None}
        outside = {value: hit for value, hit in found.items() if not inside_any(hit.file, self.roots)}
        several = len([value for value in outside if "/" in value]) >= _SEVERAL
        if not outside or (not several and len(found) < len(tried)):
            return self._bare(column, plain)
        are_whole = not inside and all(hit.is_path for hit in outside.values())
        return self._described(column, len(tried), list(outside.values()), are_whole=are_whole)

    def _bare(self, column: Column, values: Sequence[str]) -> OutsideColumn | None:
        """Return the finding for a column whose values are all names of files or folders in one folder.

        Such a name has no file extension and could be any word, so there must be several, and all must exist.
        """
        names = [value for value in dict.fromkeys(values) if _NAME.fullmatch(value)]
        tried = names[:: -(-len(names) // _TRIED) or 1]
        if len(tried) < _SEVERAL or len(names) < len(set(values)):
            return None
        for base in self.bases:
            looks = (self._hit_at(name, base, is_path=True, is_folder=True) for name in tried)
            hits = list(itertools.takewhile(lambda hit: hit is not None, looks))
            found = [hit for hit in hits if hit is not None]
            if len(found) == len(tried):
                outside = [hit for hit in found if not inside_any(hit.file, self.roots)]
                are_whole = all(hit.is_path for hit in outside)
                return self._described(column, len(tried), outside, are_whole=are_whole) if outside else None
        return None

    def _described(self, column: Column, tried: int, outside: Sequence[_Hit], *, are_whole: bool) -> OutsideColumn:
        folders = _folders(outside, self.crowded)
        bases = Counter(hit.base for hit in outside if hit.base is not None)
        base = bases.most_common(1)[0][0] if bases else folders[0]
        return OutsideColumn(
            label=column.label,
            sampled=tried,
            outside=len(outside),
            examples=[_text(hit.file) for hit in outside[:_EXAMPLES]],
            # A later backup can compare only values that are whole paths.
            base=_text(base) if are_whole else "",
            folders=[_text(folder) for folder in folders],
        )

    def _find(self, value: str) -> _Hit | None:
        """Find the file to which a value leads, preferably one in a file root."""
        path = value.removeprefix(_SCHEME)
        found = self._hit_at(path, None, is_path=path == value) if path.startswith("/") else None
        if found is not None:
            return found
        is_path = not path.startswith("/")
        for base in self.bases:
            hit = self._hit_at(path.lstrip("/"), base, is_path=is_path)
            if hit is not None and inside_any(hit.file, self.roots):
                return hit
            found = found or hit
        return found

    def _hit_at(self, value: str, base: Path | None, *, is_path: bool, is_folder: bool = False) -> _Hit | None:
        path = value if base is None else os.path.join(base, value)  # noqa: PTH118  millions of them
        is_file = os.path.isfile(path)  # noqa: PTH113
        if not is_file and not ((is_folder or _may_be_folder(value)) and os.path.isdir(path)):  # noqa: PTH112
            return None
        if base == base_dir() and "/" not in value:
            # A file directly in the project's folder is a README or the like, not a document.
            return None
        found = Path(os.path.realpath(path))
        folder = found.parent if is_file else found
        if inside_any(found, self.roots):
            return _Hit(base, found, folder, is_path and is_file)
        if inside_any(found, self.unlike) or is_hidden(found) or is_code(folder):
            return None
        if not is_file and (any(other.is_relative_to(found) for other in self.crowded) or not _has_files(found)):
            return None
        return _Hit(base, found, folder, is_path and is_file)


def _may_be_folder(value: str) -> bool:
    """Return whether a value may name a folder of documents; one like `/blog` is an address on a web site."""
    return "/" in value.lstrip("/").removesuffix("/")


def _has_files(folder: Path) -> bool:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return any(entry.is_file() for entry in itertools.islice(entries, _MOST_ENTRIES))
    return False


def _text(path: Path) -> str:
    return str(path).encode("utf-8", "replace").decode()


def _bases() -> Iterator[Path]:
    """Yield the folders to which values may be relative, the likelier ones first."""
    above = [Path(os.path.realpath(project.MEDIA_ROOT)).parent] if project.MEDIA_ROOT else []
    base = base_dir()
    if base is not None:
        yield base
        above.insert(0, base)
    yield from _of_fields()
    yield from (path for _, path in folders_in_settings())
    for folder in above:
        if folder != Path(folder.anchor):
            with contextlib.suppress(OSError):
                yield from sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _of_fields() -> Iterator[Path]:
    """Yield the folders of fields whose values are chosen among the files of a folder."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.FilePathField):
                # A function of the host may fail, such as outside of a request; that must not end a backup.
                path: object = None
                with contextlib.suppress(Exception):
                    path = field.path() if callable(field.path) else field.path
                if isinstance(path, str | os.PathLike) and str(path):
                    yield Path(os.path.realpath(path))


def _looks_like_path(text: str) -> bool:
    text = text.removeprefix(_SCHEME)
    if len(text) > LONGEST or _NO_PATH.search(text):
        return False
    return text != "/" and ("/" in text or _ENDING.search(text) is not None)


def _leaves(text: str) -> list[str]:
    """Return the texts in a JSON value."""
    try:
        todo, found = [json.loads(text)], list[str]()
    except ValueError:
        return []
    while todo and len(found) < _MOST_LEAVES:
        value = todo.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict | list):
            todo += value.values() if isinstance(value, dict) else value
    return found


def _folders(hits: Sequence[_Hit], crowded: Sequence[Path]) -> list[Path]:
    """Return the folders to capture for these files: none inside another, and none that contains one of `crowded`."""
    found = set()
    elsewhere: dict[Path, set[Path]] = {}
    for hit in hits:
        begin = next((one for one in (hit.base, base_dir()) if one is not None and hit.file.is_relative_to(one)), None)
        if begin is None:
            elsewhere.setdefault(Path(*hit.folder.parts[:3]), set()).add(hit.folder)
        else:
            found.add(_below(begin, hit.folder, crowded))
    for folders in elsewhere.values():
        found |= _common(folders, crowded)
    return sorted(folder for folder in found if not inside_any(folder, [other for other in found if other != folder]))


def _common(folders: set[Path], crowded: Sequence[Path]) -> set[Path]:
    """Return one folder that contains all of these, or several if it would also contain one of `crowded`."""
    above = Path(os.path.commonpath(folders))
    if above in folders or not any(other.is_relative_to(above) for other in crowded):
        return {above}
    depth = len(above.parts) + 1
    parts: dict[Path, set[Path]] = {}
    for folder in folders:
        parts.setdefault(Path(*folder.parts[:depth]), set()).add(folder)
    return set().union(*(_common(inside, crowded) for inside in parts.values()))


def _below(begin: Path, folder: Path, crowded: Sequence[Path]) -> Path:
    """Return the first folder on the way from `begin` to `folder` that contains no code and none of `crowded`."""
    found = begin
    for part in folder.relative_to(begin).parts:
        if not is_code(found) and not any(other.is_relative_to(found) for other in crowded):
            break
        found /= part
    return found
