"""Configurations: the named policies, and running one now."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from .. import selectors
from ..models import BackupConfiguration, BackupType, Frequency
from ..policies import FIELDS, ConfigurationValues
from ..rights import Right
from ..schedules import Schedule
from ..services.configurations import (
    configuration_create,
    configuration_delete,
    configuration_update,
)
from ..services.slots import schedule_zone, upcoming
from .fields import StrictModelSerializer, StrictSerializer, UserNameField, _Serializer
from .paging import CursorPages
from .views import BackupView

_MOST_RUNS = 100
_LARGEST = 36_500


class ConfigurationSerializer(StrictModelSerializer):
    """A configuration. What only the server knows may be sent back, and is ignored."""

    name = serializers.CharField(max_length=100)
    created_by = UserNameField()
    schedule_days = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), max_length=7, required=False
    )
    include = serializers.ListField(child=serializers.CharField(max_length=500), max_length=1000, required=False)
    exclude = serializers.ListField(child=serializers.CharField(max_length=500), max_length=1000, required=False)
    schedule_in_words = serializers.SerializerMethodField()
    next_run = serializers.SerializerMethodField()

    class Meta:
        model = BackupConfiguration
        read_only_fields = ["uuid", "created_by", "created_at", "updated_at", "schedule_in_words", "next_run"]
        fields = ["uuid", *FIELDS, *read_only_fields[1:]]
        extra_kwargs = {
            "description": {"max_length": 5000},
            "retention_days": {"min_value": 1, "max_value": _LARGEST},
            "max_backups": {"min_value": 1, "max_value": _LARGEST},
            "schedule_day_of_month": {"min_value": 1, "max_value": 28},
            "time_limit_minutes": {"min_value": 1, "max_value": _LARGEST},
            **{f"keep_{period}": {"max_value": 9999} for period in ("daily", "weekly", "monthly", "yearly")},
        }

    def get_schedule_in_words(self, row: BackupConfiguration) -> str:
        return Schedule.of(row, schedule_zone()).words()

    def get_next_run(self, row: BackupConfiguration) -> datetime | None:
        return next(iter(upcoming(row, now=timezone.now(), count=1)), None)


class StartedSerializer(_Serializer):
    """A run that was started."""

    status = serializers.ChoiceField(["started"])
    job_id = serializers.UUIDField()
    job_name = serializers.CharField()
    message = serializers.CharField()


class ConflictSerializer(_Serializer):
    """A run that was not started, because another one of the configuration is at work."""

    status = serializers.ChoiceField(["conflict"])
    message = serializers.CharField()
    job_id = serializers.UUIDField()


class NameSerializer(StrictSerializer):
    name = serializers.CharField(max_length=100)


class ScheduleSerializer(_Serializer):
    schedule_in_words = serializers.CharField()
    time_zone = serializers.CharField()
    runs_by_schedule = serializers.BooleanField()
    next_runs = serializers.ListField(child=serializers.DateTimeField())


class VerdictSerializer(_Serializer):
    """What becomes of one backup, and why."""

    job = serializers.UUIDField()
    job_name = serializers.CharField()
    taken_at = serializers.DateTimeField()
    keep = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())


class RetentionSerializer(_Serializer):
    at = serializers.DateTimeField()
    kept = serializers.IntegerField()
    going = serializers.IntegerField()
    verdicts = VerdictSerializer(many=True)


class DeletedSerializer(_Serializer):
    """What is left of a configuration that was deleted."""

    name = serializers.CharField()
    backups_kept = serializers.IntegerField()
    jobs_withdrawn = serializers.IntegerField()


class ConfigurationFilter(StrictSerializer):
    """By what the list can be narrowed down."""

    search = serializers.CharField(max_length=100, required=False, help_text="A part of the name or the description.")
    backup_type = serializers.ChoiceField(BackupType.choices, required=False)
    frequency = serializers.ChoiceField(Frequency.choices, required=False)
    is_enabled = serializers.BooleanField(required=False, allow_null=True, default=None)


class ConfigurationList(BackupView):
    """All configurations, the disabled ones and those on demand among them."""

    rights = {"GET": Right.VIEW, "POST": Right.CONFIGURE}
    serializer_class = ConfigurationSerializer
    pagination_class = CursorPages
    orderings = {"name": "name", "created_at": "created_at", "updated_at": "updated_at"}

    def get_queryset(self) -> QuerySet[BackupConfiguration]:
        asked = ConfigurationFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return selectors.configurations_matching(**asked.validated_data)

    @extend_schema(operation_id="configurations_list", parameters=[ConfigurationFilter])
    def get(self, request: Request) -> Response:  # noqa: ARG002  the framework's signature
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(operation_id="configurations_create", responses={201: ConfigurationSerializer})
    def post(self, request: Request) -> Response:
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = configuration_create(
            ConfigurationValues(**asked.validated_data), now=timezone.now(), created_by=self.user
        )
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)


class ConfigurationDetail(BackupView):
    """One configuration."""

    rights = {
        "GET": Right.VIEW,
        "PUT": Right.CONFIGURE,
        "PATCH": Right.CONFIGURE,
        "DELETE": Right.CONFIGURE,
    }
    serializer_class = ConfigurationSerializer

    def row(self) -> BackupConfiguration:
        """The one that is meant. Raises NotFound."""
        return configuration_of(self)

    @extend_schema(operation_id="configurations_retrieve")
    def get(self, request: Request, **_names: str) -> Response:  # noqa: ARG002
        return Response(self.get_serializer(self.row()).data)

    @extend_schema(operation_id="configurations_update", description="Fields that are not given stay as they are.")
    def put(self, request: Request, **_names: str) -> Response:
        return self._change(request, partial=False)

    @extend_schema(operation_id="configurations_partial_update")
    def patch(self, request: Request, **_names: str) -> Response:
        return self._change(request, partial=True)

    @extend_schema(operation_id="configurations_delete", responses={204: None})
    def delete(self, request: Request, **_names: str) -> Response:  # noqa: ARG002
        configuration_delete(self.uuid(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, *, partial: bool) -> Response:
        asked = self.get_serializer(self.row(), data=request.data, partial=partial)
        asked.is_valid(raise_exception=True)
        row = configuration_update(self.uuid(), asked.validated_data, now=timezone.now())
        return Response(self.get_serializer(row).data)


def configuration_of(view: BackupView) -> BackupConfiguration:
    """The configuration whose uuid is in the address. Raises NotFound."""
    found = selectors.configuration_by_uuid(view.uuid())
    if found is None:
        raise NotFound(f"There is no configuration {view.uuid()}.")
    return found


urlpatterns = [
    path("configurations/", ConfigurationList.as_view(), name="configurations"),
    path("configurations/<str:uuid>/", ConfigurationDetail.as_view(), name="configuration"),
]
