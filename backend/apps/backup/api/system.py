"""The state of the system: protection status, running jobs, findings and repositories."""

from __future__ import annotations

from datetime import datetime

from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import selectors
from ..core.permissions import Right
from ..doctor.findings import Severity
from ..doctor.health import Health, health
from ..doctor.protection_status import Protection, Verdict
from ..models import JobStatus, PruneStatus
from ..reporting.storage_inventory import repositories
from .base_views import BackupView, rights_of
from .configuration_fields import ConfigurationSerializer
from .jobs import JobSerializer
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, TimestampField, TranslatedField

_RECENT = 10
_MOST_UNFINISHED = 100
_MOST_FRESHNESS = 50
_RAN = (JobStatus.COMPLETED, JobStatus.INCOMPLETE, *selectors.FAILURES)


class VerdictSerializer(ApiSerializer):
    """The protection status. `since` is null if the catalogue does not know it."""

    state = serializers.ChoiceField([one.value for one in Protection])
    since = TimestampField(allow_null=True)
    reason = serializers.CharField()
    next_step = serializers.CharField(allow_null=True, help_text="Null if there is nothing to do.")
    warnings = serializers.IntegerField(help_text="The number of open findings, which may also be there if PROTECTED.")
    open = serializers.ListField(child=serializers.CharField(), help_text="The open findings, the worst first.")
    examined_at = TimestampField()


class FreshnessSerializer(ApiSerializer):
    """The age of the last good backup of a schedule, compared with what the schedule promises."""

    configuration = serializers.UUIDField()
    name = serializers.CharField()
    last_good_at = TimestampField(allow_null=True, help_text="When it started; null if there is none.")
    fresh_until = TimestampField(allow_null=True, help_text="Until when it is fresh enough, or was.")
    late_since = TimestampField(allow_null=True, help_text="Null while the promise is kept.")
    next_run = TimestampField(allow_null=True)


class StatusSerializer(ApiSerializer):
    """The system at a glance. Backups are counted by their finished jobs, whatever the result."""

    protection = VerdictSerializer()
    total_backups = serializers.IntegerField(help_text="Jobs that ended COMPLETED, INCOMPLETE, FAILED or TIMEOUT.")
    successful_backups = serializers.IntegerField(help_text="COMPLETED jobs; INCOMPLETE does not count as a success.")
    failed_backups = serializers.IntegerField(help_text="FAILED and TIMEOUT jobs.")
    success_rate = serializers.FloatField(allow_null=True, help_text="In percent; null without finished jobs.")
    jobs_by_status = serializers.DictField(child=serializers.IntegerField())
    active_configurations = serializers.IntegerField(help_text="Enabled configurations, including those on demand.")
    running_jobs = JobSerializer(many=True)
    waiting_jobs = JobSerializer(many=True)
    recent_jobs = JobSerializer(many=True)
    recent_configurations = ConfigurationSerializer(many=True)
    freshness = FreshnessSerializer(
        many=True, help_text="Of scheduled configurations; late ones first, then by `fresh_until`."
    )
    freshness_left_out = serializers.IntegerField(help_text="The number of further configurations.")


class FindingSerializer(ApiSerializer):
    """One problem, why it matters, and what to do."""

    id = serializers.CharField(help_text="Stable, such as backup.W014.")
    severity = serializers.ChoiceField([one.name for one in Severity])
    subject = serializers.CharField()
    what = serializers.CharField()
    why = TranslatedField()
    hint = serializers.CharField()


class AcknowledgedFindingSerializer(FindingSerializer):
    """A warning that a user has acknowledged."""

    acknowledgement = serializers.UUIDField(source="acknowledged.uuid")
    acknowledged_by = serializers.CharField(source="acknowledged.who")
    acknowledged_why = serializers.CharField(source="acknowledged.why")
    acknowledged_until = TimestampField(source="acknowledged.until")


class FindingsSerializer(ApiSerializer):
    """All findings of the doctor, the worst first. `severity` is never better than the protection status."""

    severity = serializers.ChoiceField([one.name for one in Severity])
    examined_at = TimestampField()
    age_seconds = serializers.FloatField()
    findings = FindingSerializer(many=True)
    acknowledged = AcknowledgedFindingSerializer(many=True)


class PruneSerializer(ApiSerializer):
    """The latest prune of a repository."""

    status = serializers.ChoiceField(PruneStatus.choices)
    started_at = TimestampField()
    completed_at = TimestampField(allow_null=True)
    freed_bytes = serializers.IntegerField(allow_null=True)
    error_message = serializers.CharField(allow_blank=True)


class LastCheckSerializer(ApiSerializer):
    """The latest check of a repository."""

    operation = serializers.UUIDField(source="uuid")
    completed_at = TimestampField()
    read_data = serializers.BooleanField(source="arguments.read_data", help_text="Whether every byte was read.")
    is_sound = serializers.BooleanField(source="result.is_sound")
    findings = serializers.IntegerField(source="result.findings_count")


class KeySerializer(ApiSerializer):
    """A key of a repository: its user, host and date. Never the key itself."""

    id = serializers.CharField(help_text="The first digits of its name.")
    created = serializers.CharField()
    hostname = serializers.CharField()
    username = serializers.CharField()


class RepositorySerializer(ApiSerializer):
    """A repository. Null means unknown; `error` says why."""

    storage_path = serializers.CharField(
        allow_blank=True, help_text="As in configurations: relative to the main storage, or absolute."
    )
    encrypted = serializers.BooleanField()
    exists = serializers.BooleanField()
    snapshots = serializers.IntegerField(help_text="The snapshots in the catalogue, without packages.")
    logical_bytes = serializers.IntegerField(help_text="Bytes that were read for the snapshots.")
    stored_bytes = serializers.IntegerField(allow_null=True, help_text="Bytes that its files use on the disk.")
    deduplication_ratio = serializers.FloatField(allow_null=True)
    free_bytes = serializers.IntegerField(allow_null=True)
    first_backup = TimestampField(allow_null=True)
    last_backup = TimestampField(allow_null=True)
    last_verified = TimestampField(allow_null=True)
    last_prune = PruneSerializer(allow_null=True)
    last_check = LastCheckSerializer(allow_null=True)
    locks = serializers.IntegerField()
    locked_since = TimestampField(allow_null=True, help_text="The time of the oldest lock.")
    packs_seen_at = TimestampField(
        allow_null=True, help_text="When its packs were last compared with its index, by names and sizes."
    )
    keys = KeySerializer(many=True)
    error = serializers.CharField(allow_blank=True)


class RepositoriesSerializer(ApiSerializer):
    measured_at = TimestampField()
    age_seconds = serializers.FloatField()
    repositories = RepositorySerializer(many=True)


class OwnRightsSerializer(ApiSerializer):
    """The current user and the user's rights."""

    user = serializers.CharField()
    rights = serializers.ListField(child=serializers.ChoiceField([one.codename for one in Right]))


class SystemRights(BackupView):
    """The current user and the user's rights, so that a client can offer only allowed actions."""

    rights = {"GET": None}

    @extend_schema(operation_id="system_rights", responses=OwnRightsSerializer)
    def get(self, request: Request) -> Response:
        self.filters()
        rights = [one.codename for one in rights_of(self.user)]
        return Response({"user": self.user.get_username(), "rights": rights})


class SystemStatus(BackupView):
    """The protection status, the running jobs, and the recent results."""

    rights = {"GET": Right.VIEW}

    @extend_schema(operation_id="system_status", responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        self.filters()
        seen, counts = health(), selectors.job_counts()
        unfinished = selectors.jobs_recent(limit=_MOST_UNFINISHED, statuses=selectors.UNFINISHED)
        total = sum(counts.get(one, 0) for one in _RAN)
        good = counts.get(JobStatus.COMPLETED, 0)
        found = {
            "protection": _verdict(seen.verdict, seen.at),
            "total_backups": total,
            "successful_backups": good,
            "failed_backups": sum(counts.get(one, 0) for one in selectors.FAILURES),
            "success_rate": round(100 * good / total, 1) if total else None,
            "jobs_by_status": {status: counts.get(status, 0) for status in JobStatus.values},
            "active_configurations": selectors.configurations_active(),
            "running_jobs": [one for one in unfinished if one.status == JobStatus.RUNNING],
            "waiting_jobs": [one for one in unfinished if one.status == JobStatus.PENDING],
            "recent_jobs": selectors.jobs_recent(limit=_RECENT),
            "recent_configurations": selectors.configurations_recent(limit=_RECENT),
            **_freshness(seen),
        }
        return Response(StatusSerializer(found).data)


class SystemFindings(BackupView):
    """The findings of the doctor, as `manage.py backup_health` shows them."""

    rights = {"GET": Right.VIEW}

    @extend_schema(operation_id="system_findings", responses=FindingsSerializer)
    def get(self, request: Request) -> Response:
        self.filters()
        seen = health()
        found = {
            "severity": seen.severity.name,
            "examined_at": seen.at,
            "age_seconds": _age(seen.at),
            "findings": [one.to_json() for one in seen.findings],
            "acknowledged": [{**one.to_json(), "acknowledged": one.acknowledged} for one in seen.acknowledged],
        }
        return Response(FindingsSerializer(found).data)


class SystemRepositories(BackupView):
    """The repositories, their sizes and their keys."""

    rights = {"GET": Right.VIEW}

    @extend_schema(operation_id="system_repositories", responses=RepositoriesSerializer)
    def get(self, request: Request) -> Response:
        self.filters()
        found = repositories()
        shaped = {"measured_at": found.at, "age_seconds": _age(found.at), "repositories": found.repositories}
        return Response(RepositoriesSerializer(shaped).data)


def _verdict(verdict: Verdict, at: datetime) -> dict[str, object]:
    return {
        "state": verdict.state,
        "since": verdict.since,
        "reason": verdict.reason,
        "next_step": verdict.next_step or None,
        "warnings": verdict.warnings,
        "open": list(verdict.open),
        "examined_at": at,
    }


def _freshness(seen: Health) -> dict[str, object]:
    scheduled = [one for one in seen.configurations if one.state == "scheduled"]
    # A configuration without a `fresh_until` sorts before all others.
    first = seen.at.min.replace(tzinfo=seen.at.tzinfo)
    scheduled.sort(key=lambda one: (one.late_since is None, one.fresh_until or first, one.name))
    return {
        "freshness": [
            {
                "configuration": one.uuid,
                "name": one.name,
                "last_good_at": one.good_at,
                "fresh_until": one.fresh_until,
                "late_since": one.late_since,
                "next_run": one.next_slot,
            }
            for one in scheduled[:_MOST_FRESHNESS]
        ],
        "freshness_left_out": max(0, len(scheduled) - _MOST_FRESHNESS),
    }


def _age(at: datetime) -> float:
    return round(max(0.0, (timezone.now() - at).total_seconds()), 1)


urlpatterns = [
    path("system/rights/", SystemRights.as_view(), name="rights"),
    path("system/status/", SystemStatus.as_view(), name="status"),
    path("system/findings/", SystemFindings.as_view(), name="findings"),
    path("system/repositories/", SystemRepositories.as_view(), name="repositories"),
]
