"""Stream changes as server-sent events; scripts can poll the same changes as JSON."""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ..core.permissions import Right
from ..ledger import close_connections
from ..models import Trust
from ..reporting.event_stream import NAMES, RETRY, EventIdInvalid, MissedEvents, listen, missed_events, time_of_event
from .base_views import BackupView
from .live_sessions import StreamAccess
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, StrictSerializer, TimestampField

_STREAM = "text/event-stream"


class EventsFilter(StrictSerializer):
    since = serializers.CharField(
        max_length=100, required=False, allow_blank=True, help_text="The id of the last event that the client has seen."
    )


class EventStateSerializer(ApiSerializer):
    """The state of the object after the change; `ready` and `reset` have only the type."""

    type = serializers.ChoiceField(NAMES)
    uuid = serializers.UUIDField(required=False)
    changed_at = TimestampField(required=False)
    name = serializers.CharField(required=False)
    kind = serializers.CharField(
        required=False, allow_null=True, help_text="The type of the backup or restore, or what the operation does."
    )
    status = serializers.CharField(required=False, allow_null=True)
    trust = serializers.ChoiceField(Trust.choices, required=False, allow_null=True)
    progress = serializers.DictField(required=False, allow_null=True)
    queued_at = TimestampField(required=False, allow_null=True)
    started_at = TimestampField(required=False, allow_null=True)
    completed_at = TimestampField(required=False, allow_null=True)
    deleted = serializers.BooleanField(required=False)


class EventSerializer(ApiSerializer):
    """An event; `state` is the data of the event in the stream."""

    id = serializers.CharField()
    event = serializers.ChoiceField(NAMES)
    state = EventStateSerializer()


class EventsSerializer(ApiSerializer):
    """The events after `since`; `cursor` is the next `since`."""

    cursor = serializers.CharField()
    events = EventSerializer(many=True)


_EXAMPLE = (
    'retry: 2000\n\nid: 1764072000123456-1b4e28ba\nevent: job\ndata: {"type":"job","uuid":"1b4e28ba-…",'
    '"changed_at":"2026-11-25T12:00:00.123456Z","name":"nightly-20261125T120000Z","kind":"FULL",'
    '"status":"RUNNING","trust":"","progress":{"phase":"storing","bytes_done":1048576,…},…}\n\n: still here\n\n'
)


class Events(BackupView):
    """Jobs, restores, operations and configurations as they change, within a second."""

    rights = {"GET": Right.VIEW}
    filter_serializer = EventsFilter

    @extend_schema(
        operation_id="system_events",
        parameters=[
            EventsFilter,
            OpenApiParameter(
                "Last-Event-ID", str, OpenApiParameter.HEADER, description="As `since`; takes precedence."
            ),
        ],
        responses={
            (200, _STREAM): OpenApiResponse(OpenApiTypes.ANY, examples=[OpenApiExample("A running job", _EXAMPLE)]),
            (200, "application/json"): EventsSerializer,
        },
        description=(
            "A stream of server-sent events, or, with `Accept: application/json`, the changes after `since` as JSON."
            " Events hold the whole state of the object and may come twice. `reset` means that too much has changed:"
            " fetch everything again. A server without ASGI ends the stream at once; `EventSource` reconnects by"
            " itself."
        ),
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = self.filters().get("since")
        since = request.headers.get("Last-Event-ID") or asked or None
        try:
            if since is not None:
                time_of_event(since)
            return self._answer(request, since)
        except EventIdInvalid as error:
            raise ValidationError({"since": str(error)}) from None

    def _answer(self, request: Request, since: str | None) -> HttpResponseBase:
        accepted = request.headers.get("Accept", "")
        if "application/json" in accepted and _STREAM not in accepted:
            return Response(_as_json(missed_events(since, now=timezone.now())))
        answer: HttpResponseBase
        if request.method == "HEAD":
            answer = HttpResponse(content_type=_STREAM)
        elif isinstance(request._request, ASGIRequest):
            answer = StreamingHttpResponse(listen(since, StreamAccess(request, Right.VIEW)), content_type=_STREAM)
            # The thread of a request lives as long as its answer, and would keep an unused connection open.
            close_connections()
        else:
            answer = HttpResponse(_as_stream(missed_events(since, now=timezone.now())), content_type=_STREAM)
        # nginx would buffer the events otherwise.
        answer.headers["X-Accel-Buffering"] = "no"
        # A compressing middleware of the host would delay events, or end the stream if it cannot iterate it.
        answer.headers["Content-Encoding"] = "identity"
        answer.headers["Cache-Control"] = "no-store, no-transform"
        return answer


def _as_json(found: MissedEvents) -> dict[str, Any]:
    events = [{"id": one.id, "event": one.name, "state": one.state} for one in found.events]
    return {"cursor": found.cursor, "events": events}


def _as_stream(found: MissedEvents) -> bytes:
    return b"".join([RETRY, *(one.encode() for one in found.events), f"id: {found.cursor}\n\n".encode()])


urlpatterns = [path("system/events/", Events.as_view(), name="events")]
