"""Views of documents and their versions."""

from __future__ import annotations

import os
import uuid

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from edms_common.paging import NumberedPages

from ..models import Document, DocumentVersion
from ..names import as_title
from ..services import category_get_or_create, document_create, document_delete, version_add
from .serializers import (
    DocumentDetailSerializer,
    DocumentSerializer,
    DocumentUploadSerializer,
    SearchSerializer,
    VersionSerializer,
    VersionUploadSerializer,
)
from .views import EdmsView

VIEW, ADD = "documents.view_document", "documents.add_document"
CHANGE, DELETE = "documents.change_document", "documents.delete_document"


def documents_found(text: str = "") -> QuerySet[Document]:
    """Return the documents with `text` in their number, title or a file name, newest first."""
    versions = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    rows = Document.objects.select_related("category", "owner").order_by("-number")
    if text:
        named = versions.filter(source_name__icontains=text)
        rows = rows.filter(Q(number__icontains=text) | Q(title__icontains=text) | Exists(named))
    count = versions.order_by().values("document").annotate(count=Count("pk")).values("count")
    return rows.annotate(version_count=Subquery(count), size=Subquery(versions.values("size")[:1]))


class DocumentsView(EdmsView):
    """List, search and create documents."""

    permissions = {"GET": VIEW, "POST": ADD}
    parser_classes = [MultiPartParser]
    pagination_class = NumberedPages
    serializer_class = DocumentUploadSerializer

    @extend_schema(parameters=[SearchSerializer], responses=DocumentSerializer(many=True))
    def get(self, request: Request) -> Response:
        asked = SearchSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = self.paginate_queryset(documents_found(asked.validated_data.get("q", "")))
        return self.get_paginated_response(DocumentSerializer(found, many=True).data)

    @extend_schema(responses={201: DocumentDetailSerializer})
    def post(self, request: Request) -> Response:
        given = self.asked()
        name = os.fsencode(given["file"].name)
        made = document_create(
            given["file"],
            title=given.get("title") or as_title(name, Document._meta.get_field("title").max_length or 255),
            category=category_get_or_create(given["category"]),
            source_name=name,
            actor=self.actor,
        )
        return Response(DocumentDetailSerializer(documents_found().get(pk=made.pk)).data, status=201)


class DocumentView(EdmsView):
    """Show or delete one document with its versions."""

    permissions = {"GET": VIEW, "DELETE": DELETE}

    @extend_schema(responses=DocumentDetailSerializer)
    def get(self, request: Request, id: uuid.UUID) -> Response:
        return Response(DocumentDetailSerializer(documents_found().get(pk=id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: uuid.UUID) -> Response:
        document_delete(id, actor=self.actor)
        return Response(status=204)


class VersionsView(EdmsView):
    """Add a version to a document."""

    permissions = {"POST": CHANGE}
    parser_classes = [MultiPartParser]
    serializer_class = VersionUploadSerializer

    @extend_schema(operation_id="documents_versions_create", responses={201: VersionSerializer})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        file = self.asked()["file"]
        added = version_add(id, file, source_name=os.fsencode(file.name), actor=self.actor)
        return Response(VersionSerializer(added).data, status=201)


class ContentView(EdmsView):
    """Download the content of a version. An uploaded file is never shown as a page of this site."""

    permissions = {"GET": VIEW}

    @extend_schema(
        operation_id="documents_content_retrieve",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, id: uuid.UUID) -> FileResponse:
        version = get_object_or_404(DocumentVersion, pk=id)
        try:
            content = version.file.open("rb")
        except FileNotFoundError:
            raise exceptions.NotFound(
                f"The content of version {version.number} is missing from the storage. Restore it from a backup."
            ) from None
        return FileResponse(content, as_attachment=True, filename=version.source_name.rpartition("/")[2])
