"""The serializers of configurations."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ..backups.presence import presence
from ..models import BackupConfiguration, BackupJob, BackupType, Frequency
from ..policies.production import FIELDS
from ..policies.schedule import Schedule, schedule_zone
from ..selectors import LATEST_COLUMNS, Latest, configurations_latest
from ..services.due_jobs import upcoming
from .serializer_fields import (
    ApiSerializer,
    CountField,
    NumberField,
    RowSerializer,
    StrictModelSerializer,
    StrictSerializer,
    TextField,
    TimestampField,
    UserNameField,
)

_MOST_RUNS = 100
USUAL_RUNS = 5
_LARGEST = 36_500


class LatestJobSerializer(RowSerializer):
    """A job of a configuration, in short."""

    class Meta:
        model = BackupJob
        fields = list(LATEST_COLUMNS)
        read_only_fields = fields


class _Configurations(serializers.ListSerializer[Any]):
    def to_representation(self, data: Any) -> list[Any]:
        rows = list(data)
        if isinstance(self.child, ConfigurationSerializer):
            self.child.latest = configurations_latest(rows, absent=presence().absent(), now=timezone.now())
        return super().to_representation(rows)


class ConfigurationSerializer(StrictModelSerializer):
    """A configuration. Read-only fields may be sent back; they are ignored."""

    latest: Mapping[int, Latest] | None = None
    """The latest jobs of all rows of a list; for a single row they are read when it is shown."""

    name = TextField(max_length=100)
    created_by = UserNameField()
    schedule_days = serializers.ListField(
        child=NumberField(min_value=0, max_value=6), max_length=7, required=False, help_text="0 is Monday."
    )
    include = serializers.ListField(child=TextField(max_length=500), max_length=1000, required=False)
    exclude = serializers.ListField(child=TextField(max_length=500), max_length=1000, required=False)
    schedule_in_words = serializers.SerializerMethodField()
    next_run = serializers.SerializerMethodField()
    last_run = serializers.SerializerMethodField(help_text="The newest job that has ended.")
    last_good = serializers.SerializerMethodField(help_text="The newest job with a good backup in the storage.")

    class Meta:
        model = BackupConfiguration
        list_serializer_class = _Configurations
        read_only_fields = [
            "uuid",
            "created_by",
            "created_at",
            "updated_at",
            "schedule_in_words",
            "next_run",
            "last_run",
            "last_good",
        ]
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

    @extend_schema_field(LatestJobSerializer(allow_null=True))
    def get_last_run(self, row: BackupConfiguration) -> dict[str, Any] | None:
        return self._in_short(self._latest(row).run)

    @extend_schema_field(LatestJobSerializer(allow_null=True))
    def get_last_good(self, row: BackupConfiguration) -> dict[str, Any] | None:
        return self._in_short(self._latest(row).good)

    def _latest(self, row: BackupConfiguration) -> Latest:
        if self.latest is None:
            self.latest = configurations_latest([row], absent=presence().absent(), now=timezone.now())
        return self.latest.get(row.pk, Latest())

    def _in_short(self, job: BackupJob | None) -> dict[str, Any] | None:
        return None if job is None else self._short.to_representation(job)

    @functools.cached_property
    def _short(self) -> LatestJobSerializer:
        # Shared by all rows: creating its fields takes longer than serializing a row.
        return LatestJobSerializer()


class StartedSerializer(ApiSerializer):
    """A run that was started."""

    status = serializers.ChoiceField(["started"])
    job_id = serializers.UUIDField()
    job_name = serializers.CharField()
    message = serializers.CharField()


class ConflictSerializer(ApiSerializer):
    """A run that was not started, because another one of the configuration is running."""

    status = serializers.ChoiceField(["conflict"])
    message = serializers.CharField()
    job_id = serializers.UUIDField()


class NameSerializer(StrictSerializer):
    name = TextField(max_length=100)


class ScheduleFilter(StrictSerializer):
    count = CountField(min_value=1, max_value=_MOST_RUNS, required=False, default=USUAL_RUNS)


class RetentionFilter(StrictSerializer):
    all = serializers.BooleanField(required=False, default=False)


class RulesSerializer(StrictSerializer):
    """Rules of retention that are not saved."""

    retention_days = NumberField(min_value=1, max_value=_LARGEST, required=False)
    max_backups = NumberField(min_value=1, max_value=_LARGEST, required=False)
    keep_daily = NumberField(min_value=0, max_value=_LARGEST, required=False)
    keep_weekly = NumberField(min_value=0, max_value=_LARGEST, required=False)
    keep_monthly = NumberField(min_value=0, max_value=_LARGEST, required=False)
    keep_yearly = NumberField(min_value=0, max_value=_LARGEST, required=False)


class ScheduleSerializer(ApiSerializer):
    schedule_in_words = serializers.CharField()
    time_zone = serializers.CharField()
    runs_by_schedule = serializers.BooleanField()
    next_runs = serializers.ListField(child=TimestampField())


class RetainedSerializer(ApiSerializer):
    """The retention of one backup, with the reasons."""

    job = serializers.UUIDField()
    job_name = serializers.CharField()
    taken_at = TimestampField()
    keep = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())


class RetentionSerializer(ApiSerializer):
    at = TimestampField()
    kept = serializers.IntegerField()
    going = serializers.IntegerField()
    verdicts = RetainedSerializer(many=True)


class DeletedSerializer(ApiSerializer):
    """The result of deleting a configuration."""

    name = serializers.CharField()
    backups_kept = serializers.IntegerField()
    jobs_withdrawn = serializers.IntegerField()


class ConfigurationFilter(StrictSerializer):
    """The filters of the list."""

    search = serializers.CharField(max_length=100, required=False, help_text="A part of the name or the description.")
    backup_type = serializers.ChoiceField(BackupType.choices, required=False)
    frequency = serializers.ChoiceField(Frequency.choices, required=False)
    is_enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
