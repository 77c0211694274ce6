"""Watch a restore to its end with a ticket, because a live restore replaces the session of the user who started it.

The ticket is signed, is for one restore and is valid for two days. It travels in a header, which servers do not log. It
shows the progress and the result of its restore, and allows nothing else.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.http import HttpRequest
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from ..core.permissions import Right
from ..services.actor import SYSTEM, Actor
from .base_views import BackupView
from .openapi_operations import extend_schema
from .restore_fields import RestoreDetailSerializer
from .restores import found_restore
from .serializer_fields import ApiSerializer, EmptySerializer, TimestampField

HEADER: Final = "X-Restore-Ticket"
VALID_FOR: Final = datetime.timedelta(days=2)
_META: Final = "HTTP_X_RESTORE_TICKET"
_SALT: Final = "edms-backup.restore-watch"


class RestoreWatcher(AnonymousUser):
    """The holder of a ticket: no account, because the restore may have removed it."""

    def __init__(self, restore: str) -> None:
        super().__init__()
        self.pk = f"restore {restore}"  # type: ignore[assignment]  # for the throttle


class WatchTicketAuthentication(BaseAuthentication):
    """Authenticate the holder of a ticket for the restore in the address."""

    def authenticate(self, request: Request) -> tuple[RestoreWatcher, str]:
        ticket = str(request.META[_META])
        try:
            restore = signing.loads(ticket, salt=_SALT, max_age=VALID_FOR)
        except (signing.BadSignature, ValueError):
            raise AuthenticationFailed(
                f"The ticket in {HEADER} is not valid, or is too old. Sign in instead."
            ) from None
        names = (request.parser_context or {}).get("kwargs", {})
        if restore != str(names.get("uuid")):
            raise AuthenticationFailed(f"The ticket in {HEADER} is for another restore.")
        return RestoreWatcher(restore), ticket


class _HoldsTicket(BasePermission):
    """Allow the holder of a ticket, whom `WatchTicketAuthentication` has checked."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, RestoreWatcher)


class WatchTicketSerializer(ApiSerializer):
    """A ticket for one restore."""

    ticket = serializers.CharField(help_text=f"Send it in the header {HEADER}.")
    expires_at = TimestampField()


class WatchedRestoreSerializer(RestoreDetailSerializer):
    """The progress and the result of a restore."""

    class Meta(RestoreDetailSerializer.Meta):
        # Without the fields that name accounts and their access.
        fields = [
            "uuid",
            "status",
            "rollback_state",
            "error_message",
            "progress",
            "phases",
            "counts",
            "started_at",
            "completed_at",
        ]
        read_only_fields = fields


class RestoreWatch(BackupView):
    """The progress and the result of a restore, also for users whom the restore has signed out."""

    rights = {"GET": Right.VIEW, "POST": Right.VIEW}
    serializer_class = EmptySerializer

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [WatchTicketAuthentication()] if self._with_ticket() else super().get_authenticators()

    def get_permissions(self) -> list[Any]:
        return [_HoldsTicket()] if self._with_ticket() else list(super().get_permissions())

    def actor(self) -> Actor:
        return SYSTEM if self._with_ticket() else super().actor()

    def _with_ticket(self) -> bool:
        # The OpenAPI document is built without a request.
        asked: HttpRequest | None = getattr(self, "request", None)
        return asked is not None and asked.method in {"GET", "HEAD"} and _META in asked.META

    @extend_schema(
        operation_id="restores_watch",
        parameters=[OpenApiParameter(HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description="A ticket.")],
        responses=WatchedRestoreSerializer,
    )
    def get(self, request: Request, **_names: str) -> Response:
        self.filters()
        return Response(WatchedRestoreSerializer(found_restore(self)).data)

    @extend_schema(operation_id="restores_watch_ticket", responses={201: WatchTicketSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        self.asked()
        ticket = signing.dumps(str(found_restore(self).uuid), salt=_SALT)
        said = {"ticket": ticket, "expires_at": timezone.now() + VALID_FOR}
        return Response(WatchTicketSerializer(said).data, status=status.HTTP_201_CREATED)


urlpatterns = [path("restores/<str:uuid>/watch/", RestoreWatch.as_view(), name="restore-watch")]
