"""Verify the EDMS: the audit chain, every row against the audit trail, every file against its row.

Reads everything, in constant memory, and changes nothing. Changes by users meanwhile may be reported as problems: run
it while no user writes, or run it again.
"""

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar

from django.db.models import Model, QuerySet, Sum

from . import chain
from .audit import entry_content
from .files import CHUNK, storage
from .models import AuditEntry, Document, DocumentVersion, Register
from .progress import FileProgress
from .services import ADDED, CREATED, DELETED, DOCUMENT, VERSION, document_details, version_details

# Rows per query. Old versions of SQLite take at most 999 values in a query.
ROWS: Final = 500
LISTED: Final = 100

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Problem:
    """One fault: its kind, the object (row id or file name), and a description."""

    kind: str
    subject: str
    text: str


@dataclass
class VerifyReport:
    """The result of a verification: counts, the number of problems, and the first hundred of them."""

    audit_entries: int = 0
    documents: int = 0
    versions: int = 0
    files: int = 0
    size: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)
    first_broken_entry: Problem | None = None

    def add(self, kind: str, subject: object, text: str) -> Problem:
        """Add a problem."""
        problem = Problem(kind, str(subject), text)
        self.problem_count += 1
        if len(self.problems) < LISTED:
            self.problems.append(problem)
        return problem


def documents_verify() -> VerifyReport:
    """Verify all documents."""
    report = VerifyReport()
    _verify_chain(report)
    _verify_documents(report)
    _verify_versions(report)
    _verify_nothing_lost(report)
    _verify_no_extra_files(report)
    return report


def _verify_chain(report: VerifyReport) -> None:
    previous_hash, sequence = chain.START, 0
    for entry in AuditEntry.objects.order_by("sequence").iterator(chunk_size=ROWS):
        report.audit_entries += 1
        faults = _entry_faults(entry, sequence, previous_hash)
        if faults:
            problem = report.add("audit chain", entry.id, f"entry {entry.sequence}: {'; '.join(faults)}")
            report.first_broken_entry = report.first_broken_entry or problem
        previous_hash, sequence = entry.hash, entry.sequence
    register = Register.objects.filter(id=Register.ONLY).first() or Register()
    if (register.last_sequence, register.last_hash) != (sequence, previous_hash):
        problem = report.add(
            "audit chain",
            f"end after entry {sequence}",
            f"according to the register the chain ends with entry {register.last_sequence}, hash {register.last_hash};"
            f" it ends with entry {sequence}, hash {previous_hash}",
        )
        report.first_broken_entry = report.first_broken_entry or problem


def _entry_faults(entry: AuditEntry, before: int, previous_hash: str) -> list[str]:
    faults = []
    if entry.sequence != before + 1:
        faults.append(f"entries {before + 1} to {entry.sequence - 1} are missing")
    elif entry.previous_hash != previous_hash:
        faults.append("it does not match the previous entry")
    content = entry_content(entry)
    if entry.hash != chain.link(entry.previous_hash, content, entry.field_marks):
        changed = chain.differing(content, entry.field_marks)
        what = " and ".join(changed) if changed else "its hash, its marks or its link"
        faults.append(f"changed since it was written: {what}" + (_now(content, changed)))
    return faults


def _now(content: Mapping[str, object], changed: Sequence[str]) -> str:
    return "".join(f" ({name} is now {content[name]!r})" for name in changed if name in content)


def _verify_documents(report: VerifyReport) -> None:
    for rows in _batches(Document.objects.all()):
        report.documents += len(rows)
        recorded = _last_recorded(DOCUMENT, rows)
        for document in rows:
            _compare(report, "document", document, document_details(document), recorded.get(document.id))


def _verify_versions(report: VerifyReport) -> None:
    expected = DocumentVersion.objects.aggregate(size=Sum("size"))["size"] or 0
    with FileProgress("verified", files=DocumentVersion.objects.count(), size=expected) as progress:
        for rows in _batches(DocumentVersion.objects.all()):
            report.versions += len(rows)
            recorded = _last_recorded(VERSION, rows)
            for version in rows:
                _compare(report, "version", version, version_details(version), recorded.get(version.id))
                progress.advance(_verify_file(report, version))


def _compare(report: VerifyReport, kind: str, row: Model, now: chain.Details, recorded: chain.Details | None) -> None:
    if recorded is None:
        report.add(kind, row.pk, "it is not in the audit trail")
        return
    for name in sorted(now.keys() | recorded.keys()):
        if now.get(name) != recorded.get(name):
            was, is_now = recorded.get(name), now.get(name)
            report.add(kind, row.pk, f"{name} is {is_now!r}, but {was!r} in the audit trail")


def _verify_file(report: VerifyReport, version: DocumentVersion) -> int:
    """Verify the file of a version. Return its size in bytes."""
    name = str(version.file.name)
    digest, size = hashlib.sha256(), 0
    try:
        with storage().open(name, "rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except FileNotFoundError:
        report.add("file", name, f"missing; it belongs to version {version.pk}")
        return 0
    except OSError as error:
        report.add("file", name, f"cannot be read: {error.strerror or error}")
        return size
    report.files += 1
    report.size += size
    if size != version.size:
        report.add("file", name, f"has {size} bytes instead of {version.size}")
    elif digest.hexdigest() != version.sha256:
        report.add("file", name, f"has the SHA-256 {digest.hexdigest()} instead of {version.sha256}")
    return size


def _verify_nothing_lost(report: VerifyReport) -> None:
    """Report recorded documents and versions that are missing and were not deleted."""
    for entries in _batches(AuditEntry.objects.filter(action__in=[CREATED, ADDED])):
        owners = {
            entry.id: entry.details["document"] if entry.action == ADDED else str(entry.object_id) for entry in entries
        }
        deleted = {
            str(found)
            for found in AuditEntry.objects.filter(action=DELETED, object_id__in=set(owners.values())).values_list(
                "object_id", flat=True
            )
        }
        ids = [entry.object_id for entry in entries]
        there = set(Document.objects.filter(id__in=ids).values_list("id", flat=True))
        there |= set(DocumentVersion.objects.filter(id__in=ids).values_list("id", flat=True))
        for entry in entries:
            if entry.object_id not in there and owners[entry.id] not in deleted:
                report.add(
                    entry.object_type,
                    entry.object_id,
                    f"missing, although entry {entry.sequence} records that it was created",
                )


def _verify_no_extra_files(report: VerifyReport) -> None:
    for names in _groups(_stored_names("")):
        known = set(DocumentVersion.objects.filter(file__in=names).values_list("file", flat=True))
        for name in names:
            if name not in known:
                report.add("file", name, "belongs to no version")


def _stored_names(folder: str) -> Iterator[str]:
    try:
        folders, names = storage().listdir(folder)
    except FileNotFoundError:
        # Before the first document there is no folder. Missing files of rows are reported elsewhere.
        return
    for name in sorted(names):
        yield posixpath.join(folder, name)
    for name in sorted(folders):
        yield from _stored_names(posixpath.join(folder, name))


def _last_recorded(object_type: str, rows: Sequence[Model]) -> dict[object, chain.Details]:
    """Return the last recorded content of each row."""
    entries = AuditEntry.objects.filter(object_type=object_type, object_id__in=[row.pk for row in rows])
    return {entry.object_id: entry.details for entry in entries.order_by("sequence").iterator(chunk_size=ROWS)}


def _batches(rows: QuerySet[Row]) -> Iterator[list[Row]]:
    return _groups(rows.order_by("pk").iterator(chunk_size=ROWS))


Item = TypeVar("Item")


def _groups(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while group := list(islice(iterator, ROWS)):
        yield group
