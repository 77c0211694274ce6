"""Upload packages in any number of requests (tus 1.0.0: core, creation, termination).

https://tus.io/protocols/resumable-upload: POST names the size, PATCH appends bytes at the current offset, HEAD returns
this offset. Only the user who started an upload sees it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import IO, Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from edms_common.paging import CursorPages

from .. import conf, selectors
from ..core.permissions import Right
from ..models import Upload
from ..selectors.operations import upload_of
from ..services.uploads import upload_create, upload_delete
from ..storage import upload_files as uploads
from .base_views import BackupView
from .openapi_operations import extend_schema
from .problems import PreconditionFailed
from .serializer_fields import RowSerializer

_TUS: Final = "1.0.0"
_OFFSET = OpenApiParameter("Upload-Offset", OpenApiTypes.INT64, OpenApiParameter.HEADER, required=True)
_LENGTH = OpenApiParameter("Upload-Length", OpenApiTypes.INT64, OpenApiParameter.HEADER, required=True)
_METADATA = OpenApiParameter(
    "Upload-Metadata",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="`filename` and the name of the file in base64.",
)


class UploadSerializer(RowSerializer):
    """An upload; `offset` is the number of received bytes, of `size`."""

    offset = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields = ["uuid", "name", "size", "offset", "created_at"]
        read_only_fields = fields

    def get_offset(self, row: Upload) -> int:
        return uploads.length(row.uuid)


class OffsetParser(BaseParser):
    """Pass the stream to the view, which reads it."""

    media_type = "application/offset+octet-stream"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return stream


class TusView(BackupView):
    """The base of all views of the protocol."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.headers.get("Tus-Resumable", _TUS) != _TUS:
            raise PreconditionFailed(f"Only version {_TUS} of the tus protocol is supported.")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Tus-Resumable"] = _TUS
        if final.status_code == status.HTTP_412_PRECONDITION_FAILED:
            final.headers["Tus-Version"] = _TUS
        return final

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        headers = {
            "Tus-Version": _TUS,
            "Tus-Extension": "creation,termination",
            "Tus-Max-Size": str(conf.load().upload_max_bytes),
        }
        return Response(status=status.HTTP_204_NO_CONTENT, headers=headers)


class UploadList(TusView):
    """The uploads of the current user."""

    rights = {"GET": Right.RESTORE, "POST": Right.RESTORE, "OPTIONS": Right.RESTORE}
    serializer_class = UploadSerializer
    pagination_class = CursorPages
    orderings = {"-created_at": "created_at"}
    further_problems = (412, 507)

    def get_queryset(self) -> QuerySet[Upload]:
        self.filters()
        return selectors.uploads_of(self.user)

    @extend_schema(operation_id="uploads_list", responses=UploadSerializer(many=True))
    def get(self, request: Request) -> Response:
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="uploads_create",
        request=None,
        parameters=[_LENGTH, _METADATA],
        responses={201: UploadSerializer},
        description="Start an upload; its address is in `Location`.",
    )
    def post(self, request: Request) -> Response:
        size = _number(request, "Upload-Length")
        row = upload_create(_file_name(request), size, user=self.user, now=timezone.now())
        # Without the host, because a proxy may use another host name.
        address = f"{request.path}{row.uuid}/"
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED, headers={"Location": address})


class UploadDetail(TusView):
    """One upload."""

    rights = {"GET": Right.RESTORE, "PATCH": Right.RESTORE, "DELETE": Right.RESTORE, "OPTIONS": Right.RESTORE}
    serializer_class = UploadSerializer
    parser_classes = [OffsetParser]
    further_problems = (412, 423, 507)

    def row(self) -> Upload:
        """Return the upload in the address. Raises `UploadNotFound`."""
        return upload_of(self.uuid(), user=self.user)

    @extend_schema(operation_id="uploads_retrieve")
    def get(self, request: Request, **_names: str) -> Response:
        return Response(self.get_serializer(self.row()).data)

    @extend_schema(exclude=True)
    def head(self, request: Request, **_names: str) -> Response:
        row = self.row()
        headers = {"Upload-Offset": str(uploads.length(row.uuid)), "Upload-Length": str(row.size)}
        return Response(headers=headers)

    @extend_schema(
        operation_id="uploads_append",
        request={OffsetParser.media_type: OpenApiTypes.BINARY},
        parameters=[_OFFSET],
        responses={204: None},
        description="Append bytes at the current offset.",
    )
    def patch(self, request: Request, **_names: str) -> Response:
        row = self.row()
        offset = _number(request, "Upload-Offset")
        received = uploads.receive(row.uuid, _Body(request), offset=offset, size=row.size)
        return Response(status=status.HTTP_204_NO_CONTENT, headers={"Upload-Offset": str(received)})

    @extend_schema(operation_id="uploads_delete", responses={204: None})
    def delete(self, request: Request, **_names: str) -> Response:
        upload_delete(self.uuid(), user=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class _Body:
    """The remaining body of a request."""

    def __init__(self, request: Request) -> None:
        self._stream = request.data

    def read(self, size: int, /) -> bytes:
        # A request without a body has an empty form instead of a stream.
        return bytes(self._stream.read(size)) if hasattr(self._stream, "read") else b""


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValidationError({header: gettext("It must be a number of bytes.")})
    return int(text)


def _file_name(request: Request) -> str:
    """Return the file name from `Upload-Metadata`, without the folders that some clients send."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                name = base64.b64decode(value, validate=True).decode()
            except (binascii.Error, ValueError):
                break
            name = name.replace("\\", "/").rpartition("/")[2]
            if name and name.isprintable():
                return name
    raise ValidationError({"Upload-Metadata": gettext("It must be `filename` and the name of the file in base64.")})


urlpatterns = [
    path("uploads/", UploadList.as_view(), name="uploads"),
    path("uploads/<str:uuid>/", UploadDetail.as_view(), name="upload"),
]
