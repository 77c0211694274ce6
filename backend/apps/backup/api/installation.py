"""The installation: versions, settings that users should know, and the executors."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from strongroom import __version__ as version
from strongroom.passphrase import passphrase_source

from .. import conf
from ..core.permissions import Right
from ..models import ExecutorKind
from ..policies.schedule import schedule_zone
from ..selectors.executors import executors_alive, executors_recent
from ..sources.project_facts import project_facts
from .base_views import BackupView
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, TimestampField


class ExecutorSerializer(ApiSerializer):
    """A process that runs jobs and operations."""

    kind = serializers.ChoiceField(ExecutorKind.choices)
    host = serializers.CharField()
    pid = serializers.IntegerField()
    started_at = TimestampField()
    beat_at = TimestampField(help_text="Its last sign of life.")
    is_alive = serializers.BooleanField()


class InstallationSerializer(ApiSerializer):
    """How the system is set up. Never a secret."""

    version = serializers.CharField()
    python = serializers.CharField()
    django = serializers.CharField()
    executor = serializers.CharField(help_text="BACKUP_EXECUTOR: where jobs run.")
    time_zone = serializers.CharField(help_text="The time zone of the schedules.")
    second_person = serializers.ListField(child=serializers.CharField(), help_text="BACKUP_SECOND_PERSON.")
    storage_root = serializers.CharField(help_text="The folder of the main storage on the server.")
    encryption_source = serializers.CharField(
        allow_null=True, help_text="The variable that this server would read the passphrase from; null without one."
    )
    executors = ExecutorSerializer(many=True, help_text="The latest sign of life first.")


class Installation(BackupView):
    """Versions, the executor and its signs of life, the time zone, and the source of the passphrase."""

    rights = {"GET": Right.VIEW}

    @extend_schema(operation_id="system_installation", responses=InstallationSerializer)
    def get(self, request: Request) -> Response:
        self.filters()
        settings, facts, now = conf.load(), project_facts(), timezone.now()
        alive = {one.pk for one in executors_alive(now=now)}
        found = {
            "version": version,
            "python": facts.python,
            "django": facts.django,
            "executor": settings.executor,
            "time_zone": str(schedule_zone()),
            "second_person": sorted(settings.second_person),
            "storage_root": str(settings.storage_root),
            "encryption_source": passphrase_source(),
            "executors": [
                {
                    "kind": one.kind,
                    "host": one.host,
                    "pid": one.pid,
                    "started_at": one.started_at,
                    "beat_at": one.beat_at,
                    "is_alive": one.pk in alive,
                }
                for one in executors_recent()
            ],
        }
        return Response(InstallationSerializer(found).data)


urlpatterns = [path("system/installation/", Installation.as_view(), name="installation")]
