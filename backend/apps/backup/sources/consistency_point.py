"""The consistency point: all sources of one job, fixed at one time and read by the archiver or a package.

The databases are fixed first, then the files are read. A file that a row names was written before the row, so it is
there; one that a writer deletes meanwhile is missed, named as a problem and makes the job INCOMPLETE.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from strongroom.entries import Entry, Folder, Stream
from strongroom.entries import Problem as Unread
from strongroom.streams import PiecesReader, Reader

from .. import conf
from ..core.manifest import FORMAT, NAME, DatabaseRecord, JobFacts, Manifest, OutsideFacts, ReferenceFacts, encode
from ..core.paths import text_of
from ..core.titled_files import NAME as TITLES
from ..core.titled_files import TitledFile, encode_lines
from ..deferred_deletes import Held, hold_deletes
from .databases import database_aliases
from .deleted_rows import any_row_is_gone
from .engines.contract import DatabaseCapture
from .engines.registry import engine_of
from .errors import CaptureFailed, SourceRefused
from .file_references import TEXT, NamedFiles, ReferenceField, reference_fields, rows_name_files, titled_fields
from .files import FileRoot, RootCapture, Selection, excluded_by, file_roots, never_captured, tree_size
from .hard_links import hold_by_links, remove_dead_links
from .portable_rows import PortableCapture, data_folder, open_portable
from .project_facts import fact_entries, fingerprints, project_facts
from .streams import BytesReader
from .uncaptured_files import columns_outside

WITH_DATABASES: Final = frozenset({"FULL", "INCREMENTAL", "DIFFERENTIAL", "DATABASE", "EXPORT"})
WITH_FILES: Final = frozenset({"FULL", "INCREMENTAL", "DIFFERENTIAL", "FILES", "EXPORT"})
PORTABLE: Final = "EXPORT"
"""The backup type that stores databases as rows, which any supported database can be restored from, not as dumps."""
SOFTWARE: Final = "edms-backup 0.1"


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the job's scope that could not be read: the job is INCOMPLETE."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CaptureSpec:
    """The request of a job to its sources.

    `staging` is a private folder that exists and is removed after the job. `held_before` has the bytes of each file
    root in the last good backup, `rows_before` the rows of each database; `was_filled` returns whether an earlier
    backup held anything in a file root of this name. `recalls` makes a second pass, which reads files that were deleted
    since the first one from where their storage holds them. `links_since` (seconds since the epoch) makes another pass,
    which holds files that have changed since then by hard links, where their storage does not hold deletes.
    """

    job_uuid: uuid.UUID
    job_name: str
    configuration_name: str
    started_at: datetime.datetime
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    encrypted: bool
    staging: Path
    held_before: Mapping[str, int] = field(default_factory=dict)
    rows_before: Mapping[str, int] = field(default_factory=dict)
    was_filled: Callable[[str], bool] = lambda _: False
    recalls: bool = False
    links_since: float | None = None


@dataclass
class ConsistencyPoint:
    """Open sources. `entries` is called once; `manifest` and all `problems` are there when they have been read."""

    backup_type: str
    spec: CaptureSpec
    opened_at: datetime.datetime
    databases: list[DatabaseCapture]
    portable: list[PortableCapture]
    roots: list[RootCapture]
    named: NamedFiles
    compares_references: bool
    held: Held
    outside: OutsideFacts | None = None
    problems: list[Problem] = field(default_factory=list)
    vanished: int = 0
    """Files that were deleted after they were listed, and that no row names. A later listing would not have them."""
    _finished: dict[str, DatabaseRecord] = field(default_factory=dict)
    _manifest: Manifest | None = None

    def bytes_to_read(self, *, with_holes: bool) -> int:
        """Return about how many bytes there are to read, with the holes of sparse files or without.

        Walks the file trees once.
        """
        databases = sum(database.size_hint or 0 for database in self.databases)
        databases += sum(database.size_hint or 0 for database in self.portable)
        return databases + sum(tree_size(capture, with_holes=with_holes) for capture in self.roots)

    def entries(self, *, titles: bool) -> list[Entry]:
        """Return the root entries in the order in which they must be read: the manifest is last.

        `titles` adds the titles of documents, which a snapshot has and a package has not.
        """
        found: list[Entry] = []
        if self.portable:
            found.append(data_folder(self.portable))
        if self.databases:
            found.append(Folder(b"databases", [self._database_folder(database) for database in self.databases]))
        if self.roots:
            found.append(Folder(b"files", [capture.entry() for capture in self.roots]))
        facts, missing = fact_entries(conf.load().fact_files) if self.spec.encrypted else ([], [])
        self.problems += [Problem(str(path), "is named in BACKUP_FACT_FILES but is not there") for path in missing]
        if facts:
            found.append(Folder(b"project", facts))
        names = [os.fsdecode(entry.name) for entry in facts]
        if titles and self.databases and self.roots:
            found.append(Stream(TITLES.encode(), lambda: PiecesReader(encode_lines(self._titled_files()))))
        found.append(Stream(NAME.encode(), lambda: self._open_manifest(names)))
        return found

    def _titled_files(self) -> Iterator[TitledFile]:
        """Yield the files of the backup whose documents have a title, when all files have been read."""
        for path, label, title in self.named.titles():
            # The name may be that of a link into a root.
            root = self._root_of(path) or self._root_of(path := os.path.realpath(path))
            if root is not None:
                yield TitledFile(path=text_of(root.inside(path)), field=label, title=title.text, date=title.date)

    def _root_of(self, path: bytes) -> RootCapture | None:
        return next((root for root in self.roots if root.holds(path)), None)

    def _database_folder(self, database: DatabaseCapture) -> Folder:
        record = database.record

        def finished(size: int, sha256: str) -> None:
            self._finished[record.alias] = msgspec.structs.replace(record, size=size, sha256=sha256)

        name = record.path.rpartition("/")[2].encode()
        return Folder(record.alias.encode(), [Stream(name, lambda: database.open_dump(finished))])

    def _open_manifest(self, fact_files: list[str]) -> Reader:
        self._manifest = self._build_manifest(fact_files)
        return BytesReader(encode(self._manifest))

    def _build_manifest(self, fact_files: list[str]) -> Manifest:
        unread = [database.record.alias for database in self.databases if database.record.alias not in self._finished]
        if unread:
            raise CaptureFailed(f"The dump of the database {unread[0]!r} was not read to its end; there is no backup.")
        references = ReferenceFacts(fields=[], checked=0, missing=0, excluded=0, orphans=0, examples=[])
        if self.compares_references:
            references, missing = self.named.compare(
                excluded_by(self.roots), [os.fsencode(capture.root.path) for capture in self.roots]
            )
            self.problems += [Problem(path, reason) for path, reason in missing]
        self.problems += self._never_made()
        self.problems += self._emptied()
        databases = [self._finished[database.record.alias] for database in self.databases]
        data = [database.finished() for database in self.portable]
        rows = {one.alias: sum(one.tables.values()) for one in databases}
        rows |= {one.alias: sum(table.rows for table in one.tables) for one in data}
        self.problems += self._without_rows(rows)
        self.problems += [
            Problem(f"database {record.alias}", warning) for record in data for warning in record.warnings
        ]
        return Manifest(
            format=FORMAT,
            software=SOFTWARE,
            job=JobFacts(
                uuid=str(self.spec.job_uuid),
                name=self.spec.job_name,
                configuration=self.spec.configuration_name,
                type=self.backup_type,
                started_at=self.spec.started_at,
            ),
            cut_at=min([one.cut_at for one in databases] + [one.cut_at for one in data], default=self.opened_at),
            project=project_facts(),
            secrets=fingerprints(),
            databases=databases,
            files=[capture.record() for capture in self.roots],
            references=references,
            fact_files=fact_files,
            problems=len(self.problems),
            data=data,
            outside=self.outside,
        )

    def _never_made(self) -> Iterator[Problem]:
        """Yield roots that never existed on the disk although rows name files in them. Others count as empty."""
        for capture in self.roots:
            if capture.absent and self._names_files_in(capture):
                reason = f"the file root {capture.root.name!r} is not there, and rows name files in it"
                yield Problem(str(capture.root.path), reason)

    def _names_files_in(self, capture: RootCapture) -> bool:
        if self.databases or self.portable:
            return self.named.names_within(os.fsencode(capture.root.path))
        # A backup of files alone reads no rows.
        return rows_name_files(self.named.fields, capture.root.path)

    def _emptied(self) -> Iterator[Problem]:
        """Yield roots that are empty and held files before: more likely a disk is not mounted than all was deleted.

        If rows name the files that should be there, the rows decide.
        """
        for capture in self.roots:
            before = self.spec.held_before.get(capture.root.name, 0)
            if before and not capture.record().bytes and not (self.compares_references and capture.owned):
                yield Problem(
                    str(capture.root.path),
                    f"the file root {capture.root.name!r} is empty, and had {before:,} bytes in the last good backup:"
                    " is its disk mounted? If all of it was deleted on purpose, put a file with a word in it there",
                )

    def _without_rows(self, rows: Mapping[str, int]) -> Iterator[Problem]:
        """Yield databases that have no rows and had some before: more likely another one was made in its place."""
        for alias, count in rows.items():
            before = self.spec.rows_before.get(alias, 0)
            if before and not count:
                yield Problem(
                    f"database {alias}",
                    f"it has no row in any table, and had {before:,} rows in the last good backup: was another one"
                    " made in its place? If all rows were deleted on purpose, acknowledge it",
                )

    def note_unread(self, problem: Unread) -> None:
        """Note that an entry could not be read; the manifest counts it.

        A file that has vanished is a problem only if a row names it, which the comparison finds.
        """
        root = self._root_of(problem.path)
        if problem.vanished and root is not None:
            root.note_vanished(problem.path)
            if not (self.compares_references and self.named.names(problem.path)):
                self.vanished += 1
            return
        self.problems.append(Problem(problem.path.decode("utf-8", "surrogateescape"), problem.reason))

    @property
    def notes(self) -> list[str]:
        """Return notes for the user on a backup that is complete."""
        records = [one.finished() for one in self.portable]
        notes = [f"database {record.alias}: {note}" for record in records for note in record.notes]
        notes += [
            f"database {one.record.alias}: {name} is not in the backup, since pg_dump gives it to a superuser only"
            for one in self.databases
            for name in (one.record.server.not_dumped if one.record.server is not None else [])
        ]
        notes += [
            f"{one.label} names files in no file root, and they are not in the backup, such as {one.examples[0]};"
            " `backup_health` says which settings to add"
            for one in (self.outside.columns if self.outside is not None else [])
        ]
        if self.vanished:
            notes.append(f"{self.vanished} files were deleted while they were read; no row of the backup names them")
        return notes + self.named.notes + self.held.notes

    @property
    def positions(self) -> dict[str, str]:
        """The states of the servers at the consistency point, by alias, where they have names for them."""
        return {one.record.alias: one.position for one in self.databases if one.position}

    def lacks_deleted_files(self) -> bool:
        """Return whether a missing file was deleted together with its row: another pass helps then."""
        return self.compares_references and any_row_is_gone(self.named.missing())

    def manifest(self) -> Manifest:
        """Return the manifest as it was stored. Raises `CaptureFailed` while some sources are not read yet."""
        if self._manifest is None:
            raise CaptureFailed("The sources have not been read to their end; there is no manifest.")
        return self._manifest


@contextlib.contextmanager
def open_consistency_point(backup_type: str, *, spec: CaptureSpec) -> Iterator[ConsistencyPoint]:
    """Fix all sources at one time, and close them at the end of the block.

    Raises `SourceRefused`, `ClientMissing` or `CaptureFailed`, and then leaves nothing behind.
    """
    if backup_type not in WITH_DATABASES | WITH_FILES:
        raise SourceRefused(f"There is no backup type {backup_type!r}.")
    selection = Selection(spec.include, spec.exclude)
    stores_titles = backup_type in WITH_DATABASES & WITH_FILES and backup_type != PORTABLE
    fields = titled_fields(conf.load()) if stores_titles else reference_fields(conf.load().reference_fields)
    # Before the consistency point: files may be deleted after it.
    outside = columns_outside(database_aliases(portable=True)) if backup_type in WITH_DATABASES else None
    with contextlib.ExitStack() as stack:
        named = NamedFiles(spec.staging / "named-files.sqlite3", fields)
        stack.callback(named.close)
        # Before the consistency point, so that files deleted after it are held.
        wants_files = backup_type in WITH_FILES
        deferring, others = _storages(fields) if wants_files else ([], [])
        held = stack.enter_context(hold_deletes(deferring, spec.job_uuid))
        remove_dead_links(others)
        link_again = _nothing
        if spec.links_since is not None:
            link_again = stack.enter_context(hold_by_links(held, others, spec.job_uuid, since=spec.links_since))
        opened_at = datetime.datetime.now(datetime.UTC)
        names: list[str] = []
        databases: list[DatabaseCapture] = []
        portable: list[PortableCapture] = []
        if backup_type in WITH_DATABASES:
            as_rows = backup_type == PORTABLE
            found = database_aliases(portable=as_rows)
            names += [f"databases/{alias}" for alias in found]
            aliases = [alias for alias in found if selection.wants(f"databases/{alias}")]
            if as_rows:
                opening = (open_portable(alias, spec.staging, fields=fields, named=named) for alias in aliases)
                portable = [stack.enter_context(one) for one in opening]
            else:
                dumps = (engine_of(one).open_dump(one, spec.staging, fields=fields, named=named) for one in aliases)
                databases = [stack.enter_context(one) for one in dumps]
        link_again()
        problems: list[Problem] = []
        roots: list[RootCapture] = []
        if backup_type in WITH_FILES:
            roots = _open_roots(fields, selection, spec, named=named, held=held, problems=problems)
            names += [f"files/{root.name}" for root in file_roots(fields)]
        if not databases and not portable and not roots and not problems:
            raise SourceRefused("There is nothing to back up: no database and no file root is selected.")
        for pattern in selection.unmatched_includes(names):
            problems.append(Problem(pattern, f"is to be included, and is none of {', '.join(names)}"))
        # Without any folder, as without MEDIA_ROOT, files that rows name are missing, unless the job leaves files out.
        asked = backup_type in WITH_FILES and (bool(roots) or (not file_roots(fields) and selection.wants("files")))
        compares = bool(databases or portable) and asked
        yield ConsistencyPoint(
            backup_type, spec, opened_at, databases, portable, roots, named, compares, held, outside, problems
        )


def _storages(fields: Sequence[ReferenceField]) -> tuple[list[Path], list[Path]]:
    """Return the existing folders of local storages, none inside another: those that hold deletes, and the others."""
    deferring = {Path(one.location) for one in fields if one.location and one.holds_deletes}
    others = {Path(one.location) for one in fields if one.location and one.storage != TEXT} - deferring
    nested = {one for one in others for other in (others | deferring) - {one} if one.is_relative_to(other)}
    outer = others - nested - {parent for one in deferring for parent in one.parents}
    return [one for one in sorted(deferring) if one.is_dir()], [one for one in sorted(outer) if one.is_dir()]


def _nothing() -> None:
    return


def _open_roots(
    fields: Sequence[ReferenceField],
    selection: Selection,
    spec: CaptureSpec,
    *,
    named: NamedFiles,
    held: Held,
    problems: list[Problem],
) -> list[RootCapture]:
    never = never_captured(spec.staging)
    owned = {field.location for field in fields if field.location and field.storage != TEXT}
    captures = []
    for root in file_roots(fields):
        if not selection.wants(f"files/{root.name}"):
            continue
        absent = not root.path.is_dir()
        if absent and not _may_be_made_later(root, spec):
            problems.append(Problem(str(root.path), f"the file root {root.name!r} is not there"))
            continue
        is_storage = any(Path(location) == root.path for location in owned)
        captures.append(
            RootCapture(
                root,
                selection,
                never=never,
                named=named,
                owned=is_storage,
                held=held,
                recalls=spec.recalls,
                absent=absent,
            )
        )
    return captures


def _may_be_made_later(root: FileRoot, spec: CaptureSpec) -> bool:
    """Return whether a missing root is made when the first file is stored in it.

    Django makes MEDIA_ROOT and the folders of storages. A folder that BACKUP_FILE_ROOTS names is there from the start.
    """
    named = root.name in conf.load().file_roots
    return not named and not os.path.lexists(root.path) and not spec.was_filled(root.name)
