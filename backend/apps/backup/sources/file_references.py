"""Compare the files that the databases name with the files that were read.

Names and paths are stored in a temporary SQLite file beside the other temporary data, so that the use of memory does
not grow with their number, and no file needs a query of its own.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings as project
from django.core.exceptions import FieldDoesNotExist, SuspiciousFileOperation
from django.core.files.storage import Storage
from django.db import models

from ..conf import BackupSettings
from ..core.manifest import MAX_EXAMPLES, ReferenceFacts
from ..deferred_deletes import DeferredDeletes
from ..errors import SettingsInvalid
from .document_titles import NO_TITLES, Title, TitleFields, title_fields, titled

MAX_LISTED: Final = 1000
TEXT: Final = "text"
"""In place of the name of a storage, for a column of text."""
_BATCH: Final = 5000
_FOLDERS_KNOWN: Final = 10_000
_PROBE: Final = "edms-backup/probe"
"""A name that no file has: the path that a storage gives it shows how the storage makes paths of names."""


@dataclasses.dataclass(frozen=True)
class ReferenceField:
    """A column that names files. `location` is the folder that its values start from, None if that is not local."""

    label: str
    table: str
    column: str
    location: str | None
    storage: str
    holds_deletes: bool = False
    """Whether its storage holds deleted files while a backup runs."""
    path_of: Callable[[str], str] | None = dataclasses.field(default=None, compare=False)
    """The function that returns the path of a value, for a storage that does not put it simply below its location."""
    titles: TitleFields = NO_TITLES
    """The fields that name the document of a file."""


def titled_fields(settings: BackupSettings) -> list[ReferenceField]:
    """Return the fields that name files, each with the fields of its titles. Raises `SettingsInvalid`."""
    found = reference_fields(settings.reference_fields)
    unknown = sorted(set(settings.document_titles) - {one.label for one in found})
    if unknown:
        raise SettingsInvalid(
            f"BACKUP_DOCUMENT_TITLES names {unknown[0]!r}, which is no field that names files. Correct it, or add the"
            " field to BACKUP_REFERENCE_FIELDS."
        )
    return [dataclasses.replace(one, titles=title_fields(one.label, settings.document_titles)) for one in found]


def reference_fields(configured: Mapping[str, Path | None]) -> list[ReferenceField]:
    """Return all FileFields of the project, and the text fields of BACKUP_REFERENCE_FIELDS ("app.Model.field").

    Values of the text fields are absolute, or relative to the folder that is given there, or to MEDIA_ROOT. Raises
    `SettingsInvalid` for a field that does not exist.
    """
    found = [_text_field(name, folder) for name, folder in configured.items()]
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy:
            continue
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.FileField):
                found.append(_file_field(model, field))
    return found


def _file_field(model: type[models.Model], field: models.FileField) -> ReferenceField:
    storage = field.storage
    name = type(storage).__name__
    try:
        location, is_plain = _location(storage)
    except Exception as error:  # noqa: BLE001  storages of hosts raise what they like, such as outside of a request
        location, is_plain = None, False
        name = f"{name}, whose path() fails: {' '.join(str(error).split())}"
    return ReferenceField(
        f"{model._meta.label}.{field.name}",
        model._meta.db_table,
        field.column or field.attname,
        location,
        name,
        isinstance(storage, DeferredDeletes),
        None if is_plain or location is None else storage.path,
    )


def _location(storage: Storage) -> tuple[str | None, bool]:
    """Return the folder of a storage, and whether each name is simply a path below it.

    Works for storages of any class: one may wrap another, add a prefix to each name, or be made at its first use. The
    folder is None if the storage has no paths: this is how Django's storages say that they are not local.
    """
    try:
        path = os.path.normpath(storage.path(_PROBE))
    except (NotImplementedError, AttributeError, SuspiciousFileOperation):
        return None, False
    if path.endswith(f"/{_PROBE}"):
        return os.path.realpath(path.removesuffix(_PROBE)), True
    base = getattr(storage, "location", None)
    return os.path.realpath(base if isinstance(base, str | os.PathLike) else os.path.dirname(path)), False  # noqa: PTH120


def _text_field(name: str, folder: Path | None) -> ReferenceField:
    try:
        app_label, model_name, field_name = name.split(".")
        model = apps.get_model(app_label, model_name)
        field = model._meta.get_field(field_name)
    except (ValueError, LookupError, FieldDoesNotExist) as error:
        raise SettingsInvalid(
            f"BACKUP_REFERENCE_FIELDS names {name!r}, which is not there ({error}); write 'app.Model.field'."
        ) from error
    column = field.column if isinstance(field, models.Field) else None
    if column is None:
        raise SettingsInvalid(f"BACKUP_REFERENCE_FIELDS names {name!r}, which has no column of its own; remove it.")
    base = os.path.realpath(folder or project.MEDIA_ROOT or "/")
    return ReferenceField(name, model._meta.db_table, column, base, TEXT, path_of=_resolving(base))


def _resolving(base: str) -> Callable[[str], str]:
    """Return a function that makes paths of the values of a column of text; their folders may be links to a root."""

    @functools.lru_cache(maxsize=_FOLDERS_KNOWN)
    def folder_of(folder: str) -> str:
        return os.path.realpath(folder)

    def path_of(value: str) -> str:
        path = os.path.normpath(os.path.join(base, value))  # noqa: PTH118
        folder, name = os.path.split(path)
        return path if "\0" in path else os.path.join(folder_of(folder), name)  # noqa: PTH118

    return path_of


def rows_name_files(fields: Sequence[ReferenceField], folder: Path) -> bool:
    """Return whether a row of the live databases names a file whose storage is this folder or lies in it."""
    for field in fields:
        if field.location is None or not Path(field.location).is_relative_to(folder):
            continue
        label, _, name = field.label.rpartition(".")
        rows = apps.get_model(label)._base_manager.exclude(**{name: ""}).exclude(**{f"{name}__isnull": True})
        if rows.exists():
            return True
    return False


class NamedFiles:
    """The named files and the read files, and their comparison. `path` is the temporary file, which `close` removes."""

    def __init__(self, path: Path, fields: Sequence[ReferenceField]) -> None:
        self._path = path
        self.fields = fields
        self._lock = threading.Lock()
        self._seen: list[tuple[bytes, bool, int]] = []
        self._not_local: dict[str, int] = {}
        self._checked = 0
        self.notes: list[str] = []
        """Notes for the user: titles that could not be read."""
        # The archiver may walk in a thread of its own; the lock keeps the threads apart.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE named (path BLOB PRIMARY KEY, label TEXT, value TEXT, title TEXT, date TEXT) WITHOUT ROWID;"
            "CREATE TABLE seen (path BLOB PRIMARY KEY, owned INTEGER, size INTEGER) WITHOUT ROWID;"
        )

    def add(self, field: ReferenceField, values: Sequence[str]) -> None:
        """Add the values of one column."""
        self._checked += len(values)
        if field.location is None:
            key = f"{field.label} ({field.storage})"
            self._not_local[key] = self._not_local.get(key, 0) + len(values)
            return
        base = os.fsencode(field.location)
        rows = [(_named_path(field, base, value), field.label, os.fsencode(value)) for value in values]
        with self._lock, self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR IGNORE INTO named VALUES (?, ?, ?, '', '')", rows)

    def add_titles(self, field: ReferenceField, rows: Sequence[Sequence[object]]) -> None:
        """Give titles to files that were added: the rows of a query of `titles_query`."""
        if field.location is None:
            return
        base = os.fsencode(field.location)
        pairs = titled(rows, field.titles)
        titles = [(title.text, title.date, _named_path(field, base, value)) for value, title in pairs]
        with self._lock, self._database:
            self._database.execute("BEGIN")
            # Two rows may name one file; its first title counts.
            self._database.executemany("UPDATE named SET title = ?, date = ? WHERE path = ? AND title = ''", titles)

    def titles(self) -> Iterator[tuple[bytes, str, Title]]:
        """Yield the path, the field and the title of each file that was read and has one, sorted by path."""
        with self._lock:
            self._flush()
            self._follow_links()
        rows: Iterable[tuple[bytes, str, str, str]] = self._database.execute(
            "SELECT path, label, title, date FROM named WHERE title <> '' AND path IN (SELECT path FROM seen)"
            " ORDER BY path"
        )
        yield from ((path, label, Title(title, date)) for path, label, title, date in rows)

    def add_read(self, path: bytes, size: int, *, owned: bool) -> None:
        """Add a file that is being read; `owned` if it lies in the storage of a FileField."""
        with self._lock:
            self._seen.append((path, owned, size))
            if len(self._seen) >= _BATCH:
                self._flush()

    def was_read(self, path: bytes) -> bool:
        """Return whether a file was added as read."""
        with self._lock:
            self._flush()
            return self._database.execute("SELECT 1 FROM seen WHERE path = ?", [path]).fetchone() is not None

    def names(self, path: bytes) -> bool:
        """Return whether a row names the file."""
        with self._lock:
            return self._database.execute("SELECT 1 FROM named WHERE path = ?", [path]).fetchone() is not None

    def remove_vanished(self, path: bytes) -> int | None:
        """Remove a file that vanished before it could be read, and return its size; None if it was not added."""
        with self._lock:
            self._flush()
            row = self._database.execute("SELECT size FROM seen WHERE path = ?", [path]).fetchone()
            self._database.execute("DELETE FROM seen WHERE path = ?", [path])
        return None if row is None else int(row[0])

    def missing(self) -> list[tuple[str, str]]:
        """Return the named files that were not read, as (field, value in the row)."""
        with self._lock:
            self._flush()
            self._follow_links()
            rows = self._database.execute(
                "SELECT label, value FROM named WHERE path NOT IN (SELECT path FROM seen) LIMIT ?", [MAX_LISTED]
            ).fetchall()
        return [(str(label), os.fsdecode(value)) for label, value in rows]

    def _flush(self) -> None:
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", self._seen)
        self._seen.clear()

    def compare(
        self, is_excluded: Callable[[bytes], bool], roots: Sequence[bytes] = ()
    ) -> tuple[ReferenceFacts, list[tuple[str, str]]]:
        """Return the result, and the missing files as (path, reason): at most `MAX_LISTED`, and one line for the rest.

        `roots` are the folders that are captured: for a file in none of them, the reason names the setting to change.
        """
        with self._lock:
            self._flush()
            self._follow_links()
        missing = excluded = 0
        listed: list[tuple[str, str]] = []
        for path, label in self._unseen():
            if is_excluded(path):
                excluded += 1
                continue
            missing += 1
            if missing <= MAX_LISTED:
                listed.append((os.fsdecode(path), self._reason(path, label, roots)))
        if missing > MAX_LISTED:
            listed.append(("", f"{missing - MAX_LISTED} more files that the database names were not found"))
        for place, count in sorted(self._not_local.items()):
            missing += count
            listed.append((place, f"its {count} files are not on a local disk and were not read"))
        facts = ReferenceFacts(
            fields=sorted(field.label for field in self.fields),
            checked=self._checked,
            missing=missing,
            excluded=excluded,
            orphans=self._orphans(),
            examples=[path.encode("utf-8", "replace").decode() for path, _ in listed[:MAX_EXAMPLES]],
        )
        return facts, listed

    def _reason(self, path: bytes, label: str, roots: Sequence[bytes]) -> str:
        """Return why a file that a row names is not in the backup, with the setting that changes that."""
        begun = f"is named by {label} but was not captured: it"
        real = _real(path)
        if os.path.lexists(real) and not _is_below(real, roots):
            way = "" if real == path else f"is a link to {os.fsdecode(real)}, which "
            return f"{begun} {way}lies in no file root of this backup. Add its folder to BACKUP_FILE_ROOTS"
        if _is_below(path, roots):
            return f"{begun} is not there, or is never read"
        base = next((field.location for field in self.fields if field.label == label and field.storage == TEXT), None)
        if base is None:
            return f"{begun} is not there, or is never read"
        return (
            f"{begun} is not there. Values of this field start from {base}: give the right folder in"
            " BACKUP_REFERENCE_FIELDS, or correct the row"
        )

    def _follow_links(self) -> None:
        """Count a named file as read if its path leads through links to a file that was read at its real path."""
        followed = []
        for path, _ in self._unseen():
            real = _real(path)
            if real != path:
                found = self._database.execute("SELECT 1 FROM seen WHERE path = ?", [real]).fetchone()
                followed += [(path, False, 0)] if found is not None else []
        self._seen += followed
        self._flush()

    def names_within(self, folder: bytes) -> bool:
        """Return whether a row names a file in this folder."""
        with self._lock:
            # "0" is the character after "/".
            found = self._database.execute(
                "SELECT 1 FROM named WHERE path > ? AND path < ? LIMIT 1", (folder + b"/", folder + b"0")
            )
            return found.fetchone() is not None

    def _unseen(self) -> Iterator[tuple[bytes, str]]:
        rows: Iterable[tuple[bytes, str]] = self._database.execute(
            "SELECT path, label FROM named WHERE path NOT IN (SELECT path FROM seen) ORDER BY path"
        )
        yield from rows

    def _orphans(self) -> int:
        rows = self._database.execute(
            "SELECT count(*) FROM seen WHERE owned AND path NOT IN (SELECT path FROM named)"
        ).fetchone()
        return int(rows[0])

    def close(self) -> None:
        self._database.close()
        self._path.unlink()


def _named_path(field: ReferenceField, base: bytes, value: str) -> bytes:
    return os.path.normpath(os.path.join(base, os.fsencode(_own_path(field, value))))  # noqa: PTH118


def _own_path(field: ReferenceField, value: str) -> str:
    """Return the path that the storage has for a value; the value itself if the storage refuses it."""
    if field.path_of is None:
        return value
    try:
        return os.fspath(field.path_of(value))
    except Exception:  # noqa: BLE001  one bad row must not end the backup: its file is reported as missing
        return value


def _is_below(path: bytes, folders: Sequence[bytes]) -> bool:
    return any(path.startswith(folder + b"/") for folder in folders)


def _real(path: bytes) -> bytes:
    """Return a path with its links followed; the path itself if nothing exists there, or if it is no valid path."""
    return os.path.realpath(path) if os.path.lexists(path) else path
