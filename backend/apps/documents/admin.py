"""Documents in the admin. Every change goes through `services`; the audit trail is read-only."""

# Django's permission hooks have arguments that are not needed here.
# ruff: noqa: ARG002

import os
import uuid
from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .models import AuditEntry, Category, Document, DocumentVersion, State
from .services import document_create, document_delete, document_update, version_add

if TYPE_CHECKING:
    DocumentModelForm = ModelForm[Document]
    DocumentModelAdmin = admin.ModelAdmin[Document]
    CategoryModelAdmin = admin.ModelAdmin[Category]
    AuditEntryModelAdmin = admin.ModelAdmin[AuditEntry]
    VersionTabularInline = admin.TabularInline[DocumentVersion, Document]
else:
    # These are generic for type checkers only.
    DocumentModelForm = ModelForm
    DocumentModelAdmin = CategoryModelAdmin = AuditEntryModelAdmin = admin.ModelAdmin
    VersionTabularInline = admin.TabularInline


class DocumentForm(DocumentModelForm):
    """The fields of a document, and a file that becomes its next version."""

    upload = forms.FileField(required=False, help_text="The file of the first or next version.")

    class Meta:
        model = Document
        fields = ("title", "category", "state", "owner")

    def clean(self) -> dict[str, object]:
        """Require a file for a new document."""
        cleaned = super().clean() or {}
        if self.instance._state.adding and not cleaned.get("upload"):
            self.add_error("upload", "A new document needs a file.")
        return cleaned


class VersionInline(VersionTabularInline):
    model = DocumentVersion
    fields = readonly_fields = ("number", "download", "source_name", "size", "sha256", "created_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Document | None = None) -> bool:
        return False

    @admin.display(description="file")
    def download(self, version: DocumentVersion) -> SafeString:
        """Return a link to the content."""
        return format_html('<a href="{}">download</a>', reverse("admin:documents_version_download", args=[version.pk]))


@admin.register(Document)
class DocumentAdmin(DocumentModelAdmin):
    form = DocumentForm
    list_display = ("number", "title", "category", "state", "owner", "updated_at")
    list_filter = ("state", "category")
    search_fields = ("number", "title", "versions__source_name")
    list_select_related = ("category", "owner")
    readonly_fields = ("number", "created_at", "updated_at")
    inlines = (VersionInline,)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download)
        return [path("version/<uuid:version_id>/", view, name="documents_version_download"), *super().get_urls()]

    def download(self, request: HttpRequest, version_id: uuid.UUID) -> FileResponse:
        """Return the content of a version, always as a download: an uploaded file is never shown as a page."""
        version = get_object_or_404(DocumentVersion, id=version_id)
        if not self.has_view_permission(request, version.document):
            raise PermissionDenied
        name = version.source_name.rpartition("/")[2]
        return FileResponse(version.file.open("rb"), as_attachment=True, filename=name)

    def save_model(self, request: HttpRequest, obj: Document, form: DocumentForm, change: bool) -> None:
        """Create or change the document, and add the uploaded version."""
        actor, upload = request.user.get_username(), form.cleaned_data["upload"]
        if not change:
            made = document_create(
                upload,
                title=obj.title,
                category=obj.category,
                source_name=os.fsencode(upload.name),
                actor=actor,
                state=State(obj.state),
                owner=obj.owner,
            )
            obj.pk, obj._state.adding = made.pk, False
            obj.refresh_from_db()
            return
        if form.changed_data != ["upload"]:
            document_update(
                obj.pk, actor=actor, title=obj.title, category=obj.category, state=obj.state, owner=obj.owner
            )
        if upload:
            version_add(obj.pk, upload, source_name=os.fsencode(upload.name), actor=actor)

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        """Delete the document through the service, which records it and removes the files."""
        document_delete(obj.pk, actor=request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        """Delete each selected document through the service."""
        for document in queryset:
            self.delete_model(request, document)


@admin.register(Category)
class CategoryAdmin(CategoryModelAdmin):
    list_display = ("name", "description")
    search_fields = ("name",)


@admin.register(AuditEntry)
class AuditEntryAdmin(AuditEntryModelAdmin):
    list_display = ("sequence", "recorded_at", "actor", "action", "object_type", "object_id")
    list_filter = ("action", "actor")
    search_fields = ("=object_id", "actor")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
