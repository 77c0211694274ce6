"""All writes to the EDMS. Each function changes rows and appends to the audit trail in one transaction.

Files are stored before the rows that name them, and removed after the rows are deleted. So a row never refers to a
missing file, even after an interrupted change. A superfluous file may remain; `manage.py verify_documents` lists it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO, TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from .audit import Event, append, register_lock
from .chain import Details
from .files import StoredFile, file_store, files_delete
from .models import Category, Document, DocumentVersion, Register, State
from .names import as_text

INSERT_ROWS = 100

DOCUMENT, VERSION = "document", "version"
CREATED, UPDATED, DELETED, ADDED = "document.created", "document.updated", "document.deleted", "version.added"


@dataclass(frozen=True)
class NewDocument:
    """A new document for a file that is already stored."""

    title: str
    category: Category
    content: StoredFile
    state: State = State.DRAFT
    owner_id: int | str | None = None


class DocumentChanges(TypedDict, total=False):
    """The changeable fields of a document."""

    title: str
    category: Category
    state: str
    owner: AbstractBaseUser | None


def document_details(document: Document) -> Details:
    """Return the fields of a document for the audit trail: all fields that a user can change."""
    return {
        "number": document.number,
        "title": document.title,
        "category": str(document.category_id),
        "state": str(document.state),
        "owner": None if document.owner_id is None else str(document.owner_id),
    }


def version_details(version: DocumentVersion) -> Details:
    """Return the fields of a version for the audit trail."""
    return {
        "document": str(version.document_id),
        "number": version.number,
        "file": version.file.name,
        "size": version.size,
        "sha256": version.sha256,
        "source_name": version.source_name,
    }


def category_get_or_create(name: str) -> Category:
    """Return the category of this name, created if it is missing."""
    return Category.objects.get_or_create(name=name)[0]


def documents_create(new: Sequence[NewDocument], *, actor: str) -> list[Document]:
    """Create a document with its first version for each stored file, all or none.

    If the rows cannot be written, the files are removed from the storage.
    """
    try:
        with transaction.atomic():
            return _documents_insert(new, actor=actor)
    except BaseException:
        files_delete([item.content.name for item in new])
        raise


def document_create(
    stream: BinaryIO,
    *,
    title: str,
    category: Category,
    source_name: bytes,
    actor: str,
    state: State = State.DRAFT,
    owner: AbstractBaseUser | None = None,
) -> Document:
    """Create one document, with its first version from the stream."""
    content = file_store(stream, source_name=source_name)
    owner_id = None if owner is None else owner.pk
    return documents_create([NewDocument(title, category, content, state, owner_id)], actor=actor)[0]


def version_add(document_id: uuid.UUID, stream: BinaryIO, *, source_name: bytes, actor: str) -> DocumentVersion:
    """Add the stream as the next version of the document. Raises Document.DoesNotExist if it was deleted."""
    content = file_store(stream, source_name=source_name)
    try:
        with transaction.atomic():
            register = register_lock()
            now = timezone.now()
            document = Document.objects.get(id=document_id)
            last = document.versions.aggregate(last=Max("number"))["last"] or 0
            version = _version(content, document.id, number=last + 1, now=now)
            version.save(force_insert=True)
            document.updated_at = now
            document.save(update_fields=["updated_at"])
            append(register, [Event(ADDED, VERSION, version.id, version_details(version))], actor=actor)
            return version
    except BaseException:
        files_delete([content.name])
        raise


def document_update(document_id: uuid.UUID, *, actor: str, **changes: Unpack[DocumentChanges]) -> Document:
    """Change the given fields of the document and record the result. Raises Document.DoesNotExist if it was deleted."""
    with transaction.atomic():
        register = register_lock()
        document = Document.objects.get(id=document_id)
        for name, value in changes.items():
            setattr(document, name, value)
        document.updated_at = timezone.now()
        document.save(force_update=True)
        append(register, [Event(UPDATED, DOCUMENT, document.id, document_details(document))], actor=actor)
        return document


def document_delete(document_id: uuid.UUID, *, actor: str) -> None:
    """Delete the document with its versions. Their files are removed when the transaction is committed."""
    with transaction.atomic():
        register = register_lock()
        document = Document.objects.get(id=document_id)
        names = list(document.versions.values_list("file", flat=True))
        event = Event(DELETED, DOCUMENT, document.id, document_details(document))
        document.delete()
        append(register, [event], actor=actor)
        transaction.on_commit(partial(files_delete, names))


def _documents_insert(new: Sequence[NewDocument], *, actor: str) -> list[Document]:
    register = register_lock()
    now = timezone.now()
    documents, versions, events = [], [], []
    for item in new:
        document = Document(
            number=_next_number(register),
            title=item.title,
            category=item.category,
            state=item.state,
            owner_id=item.owner_id,
            created_at=now,
            updated_at=now,
        )
        version = _version(item.content, document.id, number=1, now=now)
        documents.append(document)
        versions.append(version)
        events.append(Event(CREATED, DOCUMENT, document.id, document_details(document)))
        events.append(Event(ADDED, VERSION, version.id, version_details(version)))
    Document.objects.bulk_create(documents, batch_size=INSERT_ROWS)
    DocumentVersion.objects.bulk_create(versions, batch_size=INSERT_ROWS)
    append(register, events, actor=actor)
    return documents


def _next_number(register: Register) -> str:
    register.last_number += 1
    return f"DOC-{register.last_number:07d}"


def _version(content: StoredFile, document_id: uuid.UUID, *, number: int, now: datetime) -> DocumentVersion:
    return DocumentVersion(
        id=content.version_id,
        document_id=document_id,
        number=number,
        file=content.name,
        size=content.size,
        sha256=content.sha256,
        source_name=as_text(content.source_name),
        created_at=now,
    )
