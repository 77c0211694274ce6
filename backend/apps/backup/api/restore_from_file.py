"""Restore a package that is sent in a form, or was uploaded before."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from django.http import QueryDict
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from .. import conf
from ..core.permissions import Right
from ..errors import AlreadyRunning
from ..services.uploads import upload_create, upload_delete
from ..storage import upload_files as uploads
from .base_views import BackupView
from .openapi_operations import extend_schema
from .parsers import BoundedJSONParser
from .problems import PayloadTooLarge
from .restore_fields import SEVERAL, BegunSerializer, ConfirmationSerializer
from .restores import begin_restore

_FORM_ROOM: Final = 1 << 20
"""The bytes allowed for a form besides its file."""


class FileSerializer(ConfirmationSerializer):
    """A restore from a package that is sent as `file`, or was uploaded before as `upload`."""

    file = serializers.FileField(required=False)
    upload = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("upload" in attrs):
            raise serializers.ValidationError({"file": gettext("Give either a `file` or an `upload`.")})
        return super().validate(attrs)


class RestoreFromFile(BackupView):
    """Restore a package: a small one that is sent in a form, or one of any size that was uploaded before."""

    rights = {"POST": Right.RESTORE}
    serializer_class = FileSerializer
    parser_classes = [BoundedJSONParser, MultiPartParser]
    further_problems = (404, 410, 507)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method in self.rights and _comes_with_a_session(request):
            # The CSRF check reads the form, and Django writes all of it to the disk. So check before that.
            if not request._request.user.has_perm(Right.RESTORE.permission):
                self.permission_denied(request)
            _require_size(request)
        super().initial(request, *args, **kwargs)
        _require_size(request)

    @extend_schema(
        operation_id="restore_from_file",
        request={"application/json": FileSerializer, "multipart/form-data": FileSerializer},
        responses={201: BegunSerializer},
    )
    def post(self, request: Request) -> Response:
        asked = FileSerializer(data=_plain(request.data))
        asked.is_valid(raise_exception=True)
        file = asked.validated_data.get("file")
        if file is None:
            return begin_restore(self, asked)
        row = upload_create(str(file.name), int(file.size or 0), user=self.user, now=timezone.now())
        try:
            uploads.receive(row.uuid, file, offset=0, size=row.size)
            return begin_restore(self, asked, upload=row.uuid)
        except Exception:
            # Only this request knows the upload, unless the restore was requested in spite of the error.
            with contextlib.suppress(AlreadyRunning):
                upload_delete(row.uuid, user=self.user)
            raise


def _comes_with_a_session(request: Request) -> bool:
    """Return whether the request is authenticated by a session alone."""
    known = any(isinstance(one, SessionAuthentication) for one in request.authenticators or ())
    user = getattr(request._request, "user", None)
    return known and "Authorization" not in request.headers and user is not None and user.is_authenticated


def _require_size(request: Request) -> None:
    """Refuse requests larger than a package may be. Django reads nothing if the length is missing or invalid."""
    announced = str(request.META.get("CONTENT_LENGTH", ""))
    if announced.isdecimal() and int(announced[:20]) > conf.load().upload_max_bytes + _FORM_ROOM:
        raise PayloadTooLarge(f"A package may have at most {conf.load().upload_max_bytes:,} bytes.")


def _plain(data: Any) -> Any:
    """Return a form as JSON-like data: a field that the form omits stays missing, and does not become false."""
    if not isinstance(data, QueryDict):
        return data
    return {name: data.getlist(name) if name in SEVERAL else data[name] for name in data}


urlpatterns = [path("restore_from_file/", RestoreFromFile.as_view(), name="restore-from-file")]
