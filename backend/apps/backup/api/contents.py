"""Browse and download the contents of backups."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from ..backups.contents import KINDS, MOST_ENTRIES, Listing, list_folder, list_tables, search
from ..backups.downloads import ANYTHING, GZIP, TAR, OpenedDownload, open_download
from ..backups.secrets import Withheld
from ..core.paths import MOST_TEXT, path_of, text_of
from ..core.permissions import Right
from ..ledger import close_connections
from ..services.audit import AuditObject, audit_record
from .base_views import BackupView
from .http_ranges import NotSatisfiable, is_known, wanted_range
from .live_sessions import WatchedDownload
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, CountField, StrictSerializer, TimestampField
from .tickets import LONGEST, PARAMETER, SECONDS, TicketAuthentication, ticket_of

_USUAL_LIMIT: Final = 200
_LONGEST_SEARCH: Final = 100
_PATH_HELP: Final = (
    "Parts separated by /, as in `path` of the list of files. Bytes that are not UTF-8, control characters and %"
    " itself are written as % and two hex digits. Empty means the whole backup."
)


class PathFilter(StrictSerializer):
    """The path in the backup."""

    path = serializers.CharField(
        max_length=MOST_TEXT,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        default="",
        help_text=_PATH_HELP,
    )


class DownloadFilter(PathFilter):
    """The path in the backup, and a ticket instead of a header."""

    ticket = serializers.CharField(
        max_length=LONGEST,
        required=False,
        help_text="From POST to the same address, for clients whose links send no token. Valid for a minute.",
    )


class TicketRequestSerializer(StrictSerializer):
    """The path to download with the ticket."""

    path = serializers.CharField(
        max_length=MOST_TEXT, required=False, allow_blank=True, trim_whitespace=False, default="", help_text=_PATH_HELP
    )


class TicketSerializer(ApiSerializer):
    """A ticket, and until when it can start a download."""

    ticket = serializers.CharField()
    expires_at = TimestampField()


class FilesFilter(PathFilter):
    """The path in the backup, and the page or the name to search."""

    search = serializers.CharField(
        max_length=_LONGEST_SEARCH,
        required=False,
        trim_whitespace=False,
        help_text="A part of a name: everything below the path is searched, for at most a few seconds.",
    )
    after = serializers.CharField(
        max_length=MOST_TEXT, required=False, trim_whitespace=False, help_text="The `next_after` of the previous page."
    )
    limit = CountField(min_value=1, max_value=MOST_ENTRIES, required=False, default=_USUAL_LIMIT)


class EntrySerializer(ApiSerializer):
    """A file, folder or other entry in a backup."""

    name = serializers.CharField()
    path = serializers.CharField(help_text="The value for `path` in requests.")
    kind = serializers.ChoiceField(KINDS)
    size = serializers.IntegerField(allow_null=True, help_text="Bytes of a file.")
    mode = serializers.CharField(help_text="Octal.")
    modified_at = TimestampField(allow_null=True)
    target = serializers.CharField(allow_null=True, help_text="The target of a link.")
    withheld = serializers.BooleanField(help_text="Its content contains secrets and cannot be downloaded over HTTP.")
    in_package = serializers.BooleanField(
        help_text="It is part of the package when the whole backup is downloaded; links and special files are not."
    )


class FilesSerializer(ApiSerializer):
    """A page of a folder, sorted by name, or the results of a search."""

    entry = EntrySerializer(allow_null=True, help_text="The entry at the path; null for the root.")
    results = EntrySerializer(many=True)
    next_after = serializers.CharField(allow_null=True, help_text="The start of the next page; null on the last one.")
    cut_off = serializers.ChoiceField(["limit", "time"], allow_null=True, help_text="Why a search is not complete.")


class Files(BackupView):
    """Browse a backup without restoring it."""

    rights = {"GET": Right.DOWNLOAD}
    filter_serializer = FilesFilter
    further_problems = (409, 410)

    @extend_schema(
        operation_id="jobs_files",
        parameters=[FilesFilter],
        responses={200: FilesSerializer},
        examples=[
            OpenApiExample(
                "A folder",
                value={
                    "entry": None,
                    "results": [
                        {
                            "name": "files",
                            "path": "files",
                            "kind": "folder",
                            "size": None,
                            "mode": "0700",
                            "modified_at": "2026-11-24T02:00:00.123456Z",
                            "target": None,
                            "withheld": False,
                            "in_package": True,
                        }
                    ],
                    "next_after": None,
                    "cut_off": None,
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, **_names: str) -> Response:
        asked = self.filters()
        where = path_of(asked["path"])
        if "search" in asked:
            found = search(self.uuid(), where, asked["search"], limit=asked["limit"])
        else:
            after = path_of(asked["after"], field="after") if "after" in asked else b""
            found = list_folder(self.uuid(), where, after=after, limit=asked["limit"])
        return Response(_shown(found))


def _shown(found: Listing) -> dict[str, object]:
    return {
        "entry": None if found.entry is None else dataclasses.asdict(found.entry),
        "results": [dataclasses.asdict(one) for one in found.results],
        "next_after": None if found.next_after is None else text_of(found.next_after),
        "cut_off": found.cut_off,
    }


class TableSerializer(ApiSerializer):
    """A table of a backup's database."""

    database = serializers.CharField(help_text="The alias of its database in the settings.")
    name = serializers.CharField(help_text="The value for `tables` or `leave_out` of a restore.")
    rows = serializers.IntegerField()


class TablesSerializer(ApiSerializer):
    """All tables of a backup, sorted by database and name."""

    results = TableSerializer(many=True)


class Tables(BackupView):
    """List the tables in a backup, which can be restored one by one."""

    rights = {"GET": Right.DOWNLOAD}
    further_problems = (409, 410)

    @extend_schema(
        operation_id="jobs_tables",
        responses={200: TablesSerializer},
        examples=[
            OpenApiExample(
                "Of one database",
                value={"results": [{"database": "default", "name": "public.documents_document", "rows": 1200}]},
                response_only=True,
            )
        ],
    )
    def get(self, _request: Request, **_names: str) -> Response:
        return Response({"results": [dataclasses.asdict(one) for one in list_tables(self.uuid())]})


_LEFT_OUT: Final = "X-Backup-Left-Out"
_BYTES: Final = OpenApiResponse(OpenApiTypes.BINARY, description="The bytes.")
_DOWNLOAD: Final[dict[str, Any]] = {
    "parameters": [
        DownloadFilter,
        OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range: bytes=1000-, bytes=0-99."),
        OpenApiParameter("If-Range", str, OpenApiParameter.HEADER, description="The ETag of the download to resume."),
        OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETags that the client has."),
        OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 206, 304], description="Strong."),
        OpenApiParameter(
            _LEFT_OUT,
            str,
            OpenApiParameter.HEADER,
            response=[200, 206],
            description="The numbers of entries that the download lacks: links=2, specials=0, withheld=1.",
        ),
    ],
    "description": (
        "Without `path`: the whole backup as one package, the `.tar.gz` for `restore_backup --package`. With `path`:"
        " one file as it is, or a folder as a `.tar`. The length is known, and the same request gives the same bytes:"
        " resume an interrupted download with `Range` and `If-Range`."
    ),
}
_BODIES: Final = {(status, kind): _BYTES for status in (200, 206) for kind in (ANYTHING, GZIP, TAR)}
_KNOWN: Final = OpenApiResponse(description="The client has it already.")


class RangeNotSatisfiable(APIException):
    status_code = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    default_code = "range-not-satisfiable"
    default_detail = "The range is invalid or outside of the content. Content-Range gives the length of the content."


class Download(BackupView):
    """Download a backup, or a file or folder of it."""

    rights = {"GET": Right.DOWNLOAD, "POST": Right.DOWNLOAD}
    filter_serializer = DownloadFilter
    serializer_class = TicketRequestSerializer
    throttle_scope = "download"
    further_problems = (409, 410, 416)

    def get_authenticators(self) -> list[BaseAuthentication]:
        asked: HttpRequest | None = getattr(self, "request", None)
        if asked is not None and asked.method in {"GET", "HEAD"} and PARAMETER in asked.GET:
            return [TicketAuthentication()]
        return super().get_authenticators()

    @extend_schema(
        operation_id="jobs_download",
        responses={**_BODIES, 304: _KNOWN},
        **_DOWNLOAD,
    )
    def get(self, request: Request, **_names: str) -> HttpResponseBase:
        opened = self._open(self.filters()["path"])
        try:
            return self._answer(request, opened)
        except BaseException:
            opened.close()
            raise

    @extend_schema(exclude=True)
    def head(self, request: Request, **_names: str) -> HttpResponseBase:
        opened = self._open(self.filters()["path"])
        opened.close()
        if is_known(request.headers, opened.etag):
            return _described(HttpResponse(status=304), opened)
        response = _described(HttpResponse(content_type=opened.media_type), opened)
        response.headers["Content-Length"] = str(opened.length)
        return response

    @extend_schema(
        operation_id="jobs_download_ticket",
        responses={201: TicketSerializer},
        description=(
            "Create a ticket for a download by a link, which sends no header: GET the same address with the same `path`"
            " and `ticket`. The ticket is for the requesting user, and must be used within a minute."
        ),
    )
    def post(self, request: Request, **_names: str) -> Response:
        path = self.asked()["path"]
        # Report errors here: in a download by link, a browser would only show a failed file.
        self._open(path).close()
        until = timezone.now() + timedelta(seconds=SECONDS)
        ticket = ticket_of(self.user, str(self.kwargs["uuid"]), path)
        return Response(TicketSerializer({"ticket": ticket, "expires_at": until}).data, status=HTTPStatus.CREATED)

    def _open(self, path: str) -> OpenedDownload:
        try:
            return open_download(self.uuid(), path_of(path))
        except Withheld as error:
            raise PermissionDenied(str(error)) from error

    def _answer(self, request: Request, opened: OpenedDownload) -> HttpResponseBase:
        if is_known(request.headers, opened.etag):
            opened.close()
            return _described(HttpResponse(status=304), opened)
        try:
            part = wanted_range(request.headers, length=opened.length, etag=opened.etag)
        except NotSatisfiable:
            opened.close()
            refused = self.handle_exception(RangeNotSatisfiable())
            refused.headers["Content-Range"] = f"bytes */{opened.length}"
            return refused
        start, stop = (0, opened.length) if part is None else part
        self._record_download(opened, start, stop)
        # A download may take hours, and needs no database connection.
        close_connections()
        stream = WatchedDownload(opened.stream(start, stop), self.user, Right.DOWNLOAD)
        pieces = _AsyncPieces(stream) if isinstance(request._request, ASGIRequest) else stream
        response = StreamingHttpResponse(pieces, content_type=opened.media_type, status=200 if part is None else 206)
        response.headers["Content-Length"] = str(stop - start)
        if part is not None:
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{opened.length}"
        return _described(response, opened)

    def _record_download(self, opened: OpenedDownload, start: int, stop: int) -> None:
        details = {
            "path": self.filters()["path"],
            "file_name": opened.file_name,
            "from": start,
            "to": stop,
            "length": opened.length,
        }
        audit_record("backup.download", AuditObject("job", str(opened.job.uuid), opened.job.job_name), details=details)


def _described(response: HttpResponseBase, opened: OpenedDownload) -> HttpResponseBase:
    headers = response.headers
    headers["Accept-Ranges"] = "bytes"
    headers["ETag"] = opened.etag
    headers["Content-Disposition"] = str(content_disposition_header(as_attachment=True, filename=opened.file_name))
    # Compression on the way, such as by a middleware of the host, would change the length and break ranges.
    headers["Cache-Control"] = "private, no-store, no-transform"
    headers["Content-Encoding"] = "identity"
    left = opened.left_out
    if left:
        headers[_LEFT_OUT] = f"links={left.links}, specials={left.specials}, withheld={left.withheld}"
    return response


class _AsyncPieces:
    """Stream pieces to ASGI, read in threads: Django would read an ordinary iterator to its end first."""

    def __init__(self, stream: WatchedDownload) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while (piece := await _next_piece(self._stream)) is not None:
                yield piece
        finally:
            await _closed(self._stream)

    def close(self) -> None:
        """Close an answer that is abandoned before its first piece."""
        self._stream.close()


@sync_to_async(thread_sensitive=False)
def _next_piece(stream: WatchedDownload) -> bytes | None:
    return next(stream, None)


@sync_to_async(thread_sensitive=False)
def _closed(stream: WatchedDownload) -> None:
    stream.close()


urlpatterns = [
    path("jobs/<str:uuid>/files/", Files.as_view(), name="job-files"),
    path("jobs/<str:uuid>/tables/", Tables.as_view(), name="job-tables"),
    path("jobs/<str:uuid>/download/", Download.as_view(), name="job-download"),
]
