"""Backup jobs: list, cancel and pin the runs of configurations."""

from __future__ import annotations

from pathlib import Path

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from edms_common.paging import CursorPages

from .. import selectors
from ..backups.presence import presence
from ..core.permissions import Right
from ..models import BackupJob, BackupType, JobStatus, RehearsalState, Trigger, Trust
from ..policies.job_request import JobRequest
from ..selectors import job_log
from ..services.jobs import job_cancel_request, job_pin
from ..storage.packages import is_package_folder
from .base_views import BackupView
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, RowSerializer, StrictSerializer, TextField, TimestampField, UserNameField

_LONGEST_REASON = 200


class ProgressSerializer(ApiSerializer):
    """The progress of a phase. Bytes and files count within the phase; null means not known yet."""

    phase = serializers.CharField()
    files_done = serializers.IntegerField()
    bytes_done = serializers.IntegerField()
    bytes_total = serializers.IntegerField(allow_null=True)
    bytes_per_second = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)


class JobSerializer(RowSerializer):
    """A job as lists show it. Sizes are bytes."""

    configuration = serializers.SerializerMethodField(
        help_text="Its uuid; null if it was deleted, or for an ad-hoc job."
    )
    triggered_by = UserNameField()
    progress = serializers.SerializerMethodField(help_text="Null unless the job is running.")
    warnings = serializers.ListField(child=serializers.CharField(), read_only=True)
    duration_seconds = serializers.SerializerMethodField(help_text="Null before it has ended.")
    has_backup = serializers.SerializerMethodField(help_text="Whether the job has a stored backup that is not removed.")
    missing = serializers.SerializerMethodField(
        help_text="Why the backup cannot be used now: missing, lost or locked. Empty if it can be used."
    )

    class Meta:
        model = BackupJob
        fields = [
            "uuid",
            "job_name",
            "configuration",
            "configuration_name",
            "backup_type",
            "trigger",
            "triggered_by",
            "slot",
            "status",
            "trust",
            "rehearsal_state",
            "has_backup",
            "missing",
            "attempt",
            "worker",
            "progress",
            "queued_at",
            "not_before",
            "started_at",
            "completed_at",
            "duration_seconds",
            "snapshot_id",
            "backup_file_path",
            "backup_size",
            "stored_size",
            "new_files",
            "changed_files",
            "unchanged_files",
            "checksum",
            "problem_count",
            "warnings",
            "error_message",
            "is_pinned",
            "pin_reason",
            "removal_started_at",
            "removed_at",
            "removal_reason",
            "cancel_requested_at",
            "changed_at",
        ]
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_configuration(self, row: BackupJob) -> str | None:
        return None if row.configuration is None else str(row.configuration.uuid)

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, row: BackupJob) -> dict[str, object] | None:
        return (row.progress or None) if row.status == JobStatus.RUNNING else None

    def get_duration_seconds(self, row: BackupJob) -> float | None:
        if row.started_at is None or row.completed_at is None:
            return None
        return round((row.completed_at - row.started_at).total_seconds(), 3)

    def get_has_backup(self, row: BackupJob) -> bool:
        return bool(row.snapshot_id or row.backup_file_path) and row.removal_started_at is None

    def get_missing(self, row: BackupJob) -> str:
        return presence().obstacle(row) if self.get_has_backup(row) else ""


class LogLineSerializer(ApiSerializer):
    at = TimestampField()
    text = serializers.CharField()


class ProblemFileSerializer(ApiSerializer):
    """A file or object that could not be read."""

    path = serializers.CharField()
    reason = serializers.CharField()


class RehearsalFailureSerializer(ApiSerializer):
    """An object that could not be created, why, and what to do."""

    object = serializers.CharField()
    reason = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    sql = serializers.CharField(allow_blank=True)
    selector = serializers.CharField(help_text="Its name for `leave_out` of a restore.")


class RehearsalSerializer(ApiSerializer):
    """The result of restoring the schema of a database into an empty one."""

    state = serializers.ChoiceField([one for one in RehearsalState.values if one])
    reason = serializers.CharField(allow_blank=True, help_text="Why it was not possible.")
    failures = RehearsalFailureSerializer(many=True)
    weaker = serializers.ListField(child=serializers.CharField(), help_text="Restrictions that cannot be restored.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="Differences after a restore.")


class JobRequestSerializer(ApiSerializer):
    """The settings of the job, as its configuration had them at that time."""

    storage_path = serializers.CharField()
    compression = serializers.BooleanField()
    encryption = serializers.BooleanField()
    include = serializers.ListField(child=serializers.CharField())
    exclude = serializers.ListField(child=serializers.CharField())
    output = serializers.CharField()
    minutes = serializers.IntegerField(allow_null=True)
    new_repository = serializers.BooleanField(
        help_text="The job may create a repository although the catalogue lists backups in another one there."
    )


class JobDetailSerializer(JobSerializer):
    """A job with all details."""

    settings = serializers.SerializerMethodField()
    manifest = serializers.DictField(help_text="The content of the backup: databases, files, missing references.")
    rehearsal = serializers.DictField(
        child=RehearsalSerializer(), help_text="By the alias of the database: whether its schema can be restored."
    )
    problems = ProblemFileSerializer(many=True, help_text="The first thousand; problem_count is the full number.")
    accepted_until = TimestampField(
        allow_null=True, help_text="Until when all problems are acknowledged; null if one is open."
    )
    log = serializers.SerializerMethodField()
    is_in_storage = serializers.SerializerMethodField(
        help_text="False for a package that was written elsewhere: it cannot be browsed or downloaded here."
    )

    class Meta(JobSerializer.Meta):
        fields = [
            *JobSerializer.Meta.fields,
            "settings",
            "manifest",
            "rehearsal",
            "problems",
            "accepted_until",
            "log",
            "is_in_storage",
        ]
        read_only_fields = fields

    @extend_schema_field(JobRequestSerializer)
    def get_settings(self, row: BackupJob) -> dict[str, object]:
        # Fill in the fields that earlier versions did not store.
        return JobRequest.from_json(row.backup_type, row.settings).to_json()

    @extend_schema_field(LogLineSerializer(many=True))
    def get_log(self, row: BackupJob) -> list[dict[str, str]]:
        return job_log(row)

    def get_is_in_storage(self, row: BackupJob) -> bool:
        return not row.backup_file_path or is_package_folder(Path(row.backup_file_path).resolve().parent)


class JobFilter(StrictSerializer):
    """The filters of the list of jobs."""

    status = serializers.MultipleChoiceField(choices=JobStatus.choices, required=False)
    backup_type = serializers.ChoiceField(BackupType.choices, required=False)
    configuration = serializers.UUIDField(required=False, help_text="The uuid of a configuration.")
    trigger = serializers.ChoiceField(Trigger.choices, required=False)
    trust = serializers.ChoiceField([one for one in Trust.values if one], required=False)
    is_pinned = serializers.BooleanField(required=False, allow_null=True, default=None)
    has_backup = serializers.BooleanField(required=False, allow_null=True, default=None)
    queued_after = TimestampField(required=False)
    queued_before = TimestampField(required=False)
    search = serializers.CharField(
        max_length=100, required=False, help_text="A part of the job's or the configuration's name, or a uuid's start."
    )


class JobList(BackupView):
    """All jobs, newest first."""

    rights = {"GET": Right.VIEW}
    serializer_class = JobSerializer
    pagination_class = CursorPages
    filter_serializer = JobFilter
    orderings = {
        "-queued_at": "queued_at",
        "started_at": "began_at",
        "backup_size": "read_bytes",
        "stored_size": "kept_bytes",
        "job_name": "job_name",
    }

    def get_queryset(self) -> QuerySet[BackupJob]:
        return selectors.jobs_matching(**self.filters())

    @extend_schema(operation_id="jobs_list", parameters=[JobFilter], responses=JobSerializer(many=True))
    def get(self, request: Request) -> Response:
        return self.page(self.get_queryset())


class ReasonSerializer(StrictSerializer):
    reason = TextField(max_length=_LONGEST_REASON, required=False, allow_blank=True, default="")


class JobStateSerializer(ApiSerializer):
    """The result of the request."""

    uuid = serializers.UUIDField()
    status = serializers.ChoiceField(JobStatus.choices)
    message = serializers.CharField()


class JobCancel(BackupView):
    """Cancel a job that is waiting or running."""

    rights = {"POST": Right.RUN}
    serializer_class = ReasonSerializer

    @extend_schema(operation_id="jobs_cancel", responses={202: JobStateSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        asked = self.asked()
        reason = asked["reason"]
        text = f"Cancelled by {self.user.get_username()}{f': {reason}' if reason else '.'}"
        state = job_cancel_request(self.uuid(), text, now=timezone.now())
        message = "The job is cancelled." if state == JobStatus.CANCELLED else "The job was asked to stop."
        return Response({"uuid": self.uuid(), "status": state, "message": message}, status=202)


class JobPin(BackupView):
    """Pin a backup, so that retention keeps it, or unpin it."""

    rights = {"POST": Right.RUN, "DELETE": Right.RUN}
    serializer_class = ReasonSerializer

    @extend_schema(operation_id="jobs_pin", responses={200: JobSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        asked = self.asked()
        job_pin(self.uuid(), pinned=True, reason=asked["reason"])
        return Response(JobSerializer(job_of(self)).data)

    @extend_schema(operation_id="jobs_unpin", responses={204: None})
    def delete(self, request: Request, **_names: str) -> Response:
        job_pin(self.uuid(), pinned=False)
        return Response(status=204)


def job_of(view: BackupView) -> BackupJob:
    """Return the job whose uuid is in the address. Raises NotFound."""
    found = selectors.job_with_all(view.uuid())
    if found is None:
        raise NotFound(f"There is no job {view.uuid()}.")
    return found


urlpatterns = [
    path("jobs/", JobList.as_view(), name="jobs"),
    path("jobs/<str:uuid>/cancel/", JobCancel.as_view(), name="job-cancel"),
    path("jobs/<str:uuid>/pin/", JobPin.as_view(), name="job-pin"),
]
