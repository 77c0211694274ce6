"""Find documents in backups by number, title or date."""

from __future__ import annotations

from typing import Final

from django.urls import path
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ..backups.documents import find_documents
from ..core.permissions import Right
from .base_views import BackupView
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, CountField, StrictSerializer

_USUAL_LIMIT: Final = 50
_MOST: Final = 1000
_LONGEST: Final = 200


class DocumentsFilter(StrictSerializer):
    """The words to search."""

    search = serializers.CharField(
        max_length=_LONGEST,
        required=False,
        allow_blank=True,
        default="",
        help_text="Words of the number, title, date or file name; each must be there, in any letter case.",
    )
    limit = CountField(min_value=1, max_value=_MOST, required=False, default=_USUAL_LIMIT)


class DocumentSerializer(ApiSerializer):
    """A file in a backup, with the title of its document."""

    title = serializers.CharField(help_text="The fields that name the document, joined.")
    date = serializers.CharField(allow_blank=True, help_text="A date or a timestamp in ISO 8601, or empty.")
    field = serializers.CharField(help_text="The field that names the file: app.Model.field.")
    path = serializers.CharField(help_text="The value for `paths` of a restore.")


class DocumentsSerializer(ApiSerializer):
    """The files whose titles match, sorted by title."""

    available = serializers.BooleanField(
        help_text="False if the backup has no titles: a package, a backup of files or databases alone, or an older one."
    )
    results = DocumentSerializer(many=True)
    cut_off = serializers.ChoiceField(["limit", "time"], allow_null=True, help_text="Why a search is not complete.")


class Documents(BackupView):
    """Find documents in a backup, also those whose rows are gone from the live system."""

    rights = {"GET": Right.DOWNLOAD}
    filter_serializer = DocumentsFilter
    further_problems = (409, 410)

    @extend_schema(
        operation_id="jobs_documents",
        parameters=[DocumentsFilter],
        responses={200: DocumentsSerializer},
        examples=[
            OpenApiExample(
                "Found",
                value={
                    "available": True,
                    "results": [
                        {
                            "title": "SOP-0017 · Cleaning of vessels · 3",
                            "date": "2026-11-02T09:30:00+00:00",
                            "field": "documents.DocumentVersion.file",
                            "path": "files/media/documents/4f/4f0c_cleaning.pdf",
                        }
                    ],
                    "cut_off": None,
                },
                response_only=True,
            )
        ],
    )
    def get(self, _request: Request, **_names: str) -> Response:
        asked = self.filters()
        found = find_documents(self.uuid(), asked["search"], limit=asked["limit"])
        return Response(DocumentsSerializer(found).data)


urlpatterns = [path("jobs/<str:uuid>/documents/", Documents.as_view(), name="job-documents")]
