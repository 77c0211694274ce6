"""Read the audit trail."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from edms_common.paging import CursorPages

from .. import selectors
from ..core.permissions import Right
from ..models import AuditEvent
from .base_views import BackupView
from .openapi_operations import extend_schema
from .serializer_fields import RowSerializer, StrictSerializer, TimestampField


class AuditEventSerializer(RowSerializer):
    """One action: its user, time, address and object."""

    details = serializers.DictField(help_text="The request, or the changed values; depends on the action.")

    class Meta:
        model = AuditEvent
        fields = [
            "sequence",
            "at",
            "actor",
            "actor_key",
            "origin",
            "address",
            "request_id",
            "action",
            "object_type",
            "object_key",
            "object_name",
            "details",
            "previous_hash",
            "hash",
        ]
        read_only_fields = fields


class AuditFilter(StrictSerializer):
    """The filters of the audit trail."""

    action = serializers.CharField(
        max_length=64,
        required=False,
        help_text="Such as backup.download; with a dot at its end, all actions that begin with it.",
    )
    actor = serializers.CharField(max_length=200, required=False)
    object_key = serializers.CharField(max_length=100, required=False, help_text="The uuid of the object.")
    after = TimestampField(required=False)
    before = TimestampField(required=False)


class AuditList(BackupView):
    """The audit trail of the backups, newest first. `manage.py backup_audit --verify` verifies the chain."""

    rights = {"GET": Right.VIEW}
    serializer_class = AuditEventSerializer
    pagination_class = CursorPages
    filter_serializer = AuditFilter
    orderings = {"-sequence": "sequence"}

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return selectors.audit_matching(**self.filters())

    @extend_schema(operation_id="audit_list", parameters=[AuditFilter], responses=AuditEventSerializer(many=True))
    def get(self, request: Request) -> Response:
        return self.page(self.get_queryset())


urlpatterns = [path("system/audit/", AuditList.as_view(), name="audit")]
