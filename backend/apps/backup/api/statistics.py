"""Return series for charts."""

from __future__ import annotations

from typing import Any

from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ..core.permissions import Right
from ..reporting.statistics import Statistics, statistics
from .base_views import BackupView
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, CountField, StrictSerializer, TimestampField

_USUAL_DAYS = 60
_MOST_DAYS = 366


class StatisticsFilter(StrictSerializer):
    """The number of days, and whose jobs count."""

    days = CountField(min_value=1, max_value=_MOST_DAYS, default=_USUAL_DAYS)
    configuration = serializers.UUIDField(required=False, help_text="Only the jobs of this configuration.")


class ResultsField(serializers.DictField):
    """The number of jobs by status; statuses without a job are omitted."""

    child = serializers.IntegerField()


class DaySerializer(ApiSerializer):
    """A day in the time zone of the schedules, with the jobs queued on it. Sizes are bytes."""

    date = serializers.DateField()
    begins_at = TimestampField()
    ends_at = TimestampField(help_text="The start of the next day.")
    results = ResultsField()
    stored_bytes = serializers.IntegerField(help_text="Bytes that the jobs added to the storage.")
    logical_bytes = serializers.IntegerField(help_text="Bytes that the jobs read.")
    new_files = serializers.IntegerField()
    changed_files = serializers.IntegerField()
    total_seconds = serializers.IntegerField()
    median_seconds = serializers.IntegerField(allow_null=True, help_text="Of the jobs that stored a backup.")


class ConfigurationTotalSerializer(ApiSerializer):
    """The totals of the jobs of a configuration; `configuration` is null for jobs without one."""

    configuration = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    results = ResultsField()
    stored_bytes = serializers.IntegerField()
    logical_bytes = serializers.IntegerField()
    total_seconds = serializers.IntegerField()
    last_queued_at = TimestampField()


class CalendarDaySerializer(ApiSerializer):
    date = serializers.DateField()
    results = ResultsField()


class CalendarSerializer(ApiSerializer):
    """The results of a configuration by day; days without a job are left out."""

    configuration = serializers.UUIDField()
    name = serializers.CharField()
    days = CalendarDaySerializer(many=True)


class GrowthSerializer(ApiSerializer):
    """How long the main storage lasts at the rate of the last 30 days. Null means unknown."""

    total_bytes = serializers.IntegerField()
    free_bytes = serializers.IntegerField()
    bytes_a_day = serializers.IntegerField(allow_null=True)
    days_left = serializers.FloatField(allow_null=True)
    full_on = serializers.DateField(allow_null=True, help_text="Null also if that is more than ten years away.")


class StatisticsSerializer(ApiSerializer):
    """All series for charts. Long lists are cut off; the omitted rows are counted."""

    examined_at = TimestampField()
    time_zone = serializers.CharField()
    first = serializers.DateField()
    last = serializers.DateField()
    days = DaySerializer(many=True)
    configurations = ConfigurationTotalSerializer(many=True, help_text="Sorted by stored bytes, the most first.")
    configurations_left_out = serializers.IntegerField()
    calendar = CalendarSerializer(many=True)
    calendar_left_out = serializers.IntegerField()
    growth = GrowthSerializer()


class SystemStatistics(BackupView):
    """Statistics of the backups by day."""

    rights = {"GET": Right.VIEW}
    filter_serializer = StatisticsFilter

    @extend_schema(operation_id="system_statistics", parameters=[StatisticsFilter], responses=StatisticsSerializer)
    def get(self, request: Request) -> Response:
        return Response(_shaped(statistics(**self.filters())))


_DAY = tuple(DaySerializer().fields)
_TOTAL = tuple(ConfigurationTotalSerializer().fields)


def _shaped(found: Statistics) -> dict[str, Any]:
    """Return the form of `StatisticsSerializer` without using it, because it would take most of the time."""
    return {
        "examined_at": found.at,
        "time_zone": found.time_zone,
        "first": found.first,
        "last": found.last,
        "days": [{name: getattr(one, name) for name in _DAY} for one in found.days],
        "configurations": [{name: getattr(one, name) for name in _TOTAL} for one in found.configurations],
        "configurations_left_out": found.configurations_left_out,
        "calendar": [
            {
                "configuration": row.configuration,
                "name": row.name,
                "days": [{"date": day, "results": row.days[day]} for day in sorted(row.days)],
            }
            for row in found.calendar
        ],
        "calendar_left_out": found.calendar_left_out,
        "growth": {
            "total_bytes": found.space.total,
            "free_bytes": found.space.free,
            "bytes_a_day": found.space.daily,
            "days_left": found.space.days_left,
            "full_on": found.full_on,
        },
    }


urlpatterns = [path("system/statistics/", SystemStatistics.as_view(), name="statistics")]
