"""Restores: planned, begun, watched, cancelled, rolled back, released."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from .. import selectors
from ..errors import IllegalTransition
from ..models import Operation, OperationKind, OperationStatus, RestoreJob, RestoreStatus, RestoreType, RollbackState
from ..rights import Right
from ..services.operations import OPEN, operation_cancel_request
from ..services.wishes import RestoreChoices, plan_request, release_request, restore_request, rollback_request
from .fields import EmptySerializer, StrictSerializer, UserNameField, UuidField, _ModelSerializer, _Serializer
from .jobs import ProgressSerializer, ReasonSerializer
from .operations import OperationSerializer, accepted, begun
from .paging import CursorPages
from .views import BackupView

_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "live": (r"", "The live system has no name."),
    "folder": (r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "It is a folder's name of letters, digits, dots and dashes."),
    "database": (r"[A-Za-z][A-Za-z0-9_]{0,62}", "It is a letter, and up to 62 letters, digits and underscores."),
}


class ChoicesSerializer(StrictSerializer):
    """What is to be restored, and to where: to the live system, or to the new folder or database `name`."""

    target = serializers.ChoiceField(list(_NAMES), default="live")
    name = serializers.CharField(
        max_length=100,
        default="",
        allow_blank=True,
        help_text="Of a new folder in BACKUP_RESTORE_ROOT, or of a new database.",
    )
    only = serializers.ChoiceField(["database", "files"], default="", allow_blank=True)
    leave_out = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=1000,
        default=list,
        help_text="Tables of a portable package that are not taken in.",
    )
    safety_backup = serializers.BooleanField(default=True, help_text="Back up the live state first.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        pattern, said = _NAMES[attrs["target"]]
        if not re.fullmatch(pattern, attrs["name"]):
            raise serializers.ValidationError({"name": said})
        if attrs["target"] == "folder" and (attrs["only"] or attrs["leave_out"]):
            raise serializers.ValidationError({"target": "To a folder the whole backup is restored."})
        return attrs

    def choices(self, **source: Any) -> RestoreChoices:
        """What was chosen, after validation; `source` where the address says what is restored."""
        names = {"backup", "upload", "target", "name", "only", "safety_backup"} & set(self.validated_data)
        chosen = {name: self.validated_data[name] for name in names}
        return RestoreChoices(leave_out=tuple(self.validated_data["leave_out"]), **{**chosen, **source})


class SourceSerializer(ChoicesSerializer):
    """The same, with what it is restored from: a stored backup or a package that was sent."""

    backup = serializers.UUIDField(required=False, help_text="A job.")
    upload = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("backup" in attrs) == ("upload" in attrs):
            raise serializers.ValidationError({"backup": "Either a `backup` or an `upload` is restored."})
        return super().validate(attrs)


class ConfirmationSerializer(ChoicesSerializer):
    """What it takes to begin a restore of which the address says what is restored."""

    confirm = serializers.CharField(
        max_length=300,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="For the live system: the name of the job or the uploaded file, as it is.",
    )
    plan = serializers.UUIDField(required=False, help_text="The operation whose plan was shown.")


class RestoreRequestSerializer(SourceSerializer, ConfirmationSerializer):
    """What it takes to begin a restore."""


class RestoreSerializer(_ModelSerializer):
    """A restore. `operation` is what does it, while the ledger knows; its `progress` tells how far it is."""

    backup_job = UuidField()
    requested_by = UserNameField()
    operation = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()

    class Meta:
        model = RestoreJob
        fields = [
            "uuid",
            "backup_job",
            "backup_reference",
            "restore_type",
            "target",
            "status",
            "rollback_state",
            "error_message",
            "progress",
            "operation",
            "requested_by",
            "queued_at",
            "started_at",
            "completed_at",
        ]
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_operation(self, row: RestoreJob) -> str | None:
        found = _operation(row)
        return None if found is None else str(found.uuid)

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, row: RestoreJob) -> dict[str, object] | None:
        found = _operation(row)
        return None if found is None or found.status != OperationStatus.RUNNING else found.progress or None


class PhaseSerializer(_Serializer):
    """A phase that has ended."""

    phase = serializers.CharField()
    started_at = serializers.DateTimeField()
    seconds = serializers.FloatField()


class RestoreDetailSerializer(RestoreSerializer):
    """All of it: the plan by which it is done, the phases with their times, what was counted, and notes."""

    plan = serializers.DictField(help_text="As it was shown, and from its beginning on as it is done.")
    phases = PhaseSerializer(many=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Databases, files and bytes.")
    log = serializers.ListField(child=serializers.CharField())

    class Meta(RestoreSerializer.Meta):
        fields = [*RestoreSerializer.Meta.fields, "plan", "phases", "counts", "log"]
        read_only_fields = fields


class BegunSerializer(_Serializer):
    """A restore that was asked for, and the operation that does it."""

    restore = RestoreDetailSerializer()
    operation = OperationSerializer()


class RestoreFilter(StrictSerializer):
    """By what the list can be narrowed down."""

    status = serializers.MultipleChoiceField(choices=RestoreStatus.choices, required=False)
    restore_type = serializers.ChoiceField(RestoreType.choices, required=False)
    rollback_state = serializers.ChoiceField(RollbackState.choices, required=False)
    job = serializers.UUIDField(required=False)


class RestorePlan(BackupView):
    """Plan a restore, and touch nothing.

    An operation, because it is made by whoever would do the restore, with that one's rights and passphrase, and
    because of a portable package every value is read for it. The `result` of the operation is the plan.
    """

    rights = {"POST": Right.RESTORE}
    serializer_class = SourceSerializer
    further_problems = (404, 410)

    @extend_schema(operation_id="restores_plan", responses={202: OperationSerializer})
    def post(self, request: Request) -> Response:
        asked = SourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return begun(plan_request(asked.choices(), user=self.user, now=timezone.now()))


class RestoreList(BackupView):
    """All restores, newest first."""

    rights = {"GET": Right.VIEW, "POST": Right.RESTORE}
    serializer_class = RestoreSerializer
    further_problems = (404, 410)
    pagination_class = CursorPages
    orderings = {"-queued_at": "queued_at"}
    filter_serializer = RestoreFilter

    def get_queryset(self) -> QuerySet[RestoreJob]:
        return selectors.restores_matching(**self.filters())

    @extend_schema(operation_id="restores_list", parameters=[RestoreFilter], responses=RestoreSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002  the framework's signature
        return self.page(self.get_queryset())

    @extend_schema(operation_id="restores_create", request=RestoreRequestSerializer, responses={201: BegunSerializer})
    def post(self, request: Request) -> Response:
        asked = RestoreRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return begin_restore(self, asked)


class RestoreDetail(BackupView):
    """One restore."""

    rights = {"GET": Right.VIEW}
    serializer_class = RestoreDetailSerializer

    @extend_schema(operation_id="restores_retrieve")
    def get(self, request: Request, **_names: str) -> Response:  # noqa: ARG002
        return Response(self.get_serializer(_restore(self)).data)


class RestoreCancel(BackupView):
    """Cancel a restore, until its swap begins; what it has prepared is removed."""

    rights = {"POST": Right.RESTORE}
    serializer_class = ReasonSerializer

    @extend_schema(operation_id="restores_cancel", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = _restore(self)
        operation = _operation(row)
        if operation is None or operation.status not in OPEN:
            raise IllegalTransition(f"The restore {row.uuid} is {row.status}, and no operation of it can be cancelled.")
        reason = asked.validated_data["reason"] or f"Cancelled by {self.user.get_username()}."
        return accepted(operation_cancel_request(operation.uuid, reason, now=timezone.now()))


class RestoreRollback(BackupView):
    """Make the state before a restore live again."""

    rights = {"POST": Right.RESTORE}
    serializer_class = EmptySerializer

    @extend_schema(operation_id="restores_rollback", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        return begun(rollback_request(self.uuid(), user=self.user, now=timezone.now()))


class RestoreRelease(BackupView):
    """Delete what a restore replaced; it cannot be rolled back then."""

    rights = {"POST": Right.RESTORE}
    serializer_class = EmptySerializer

    @extend_schema(operation_id="restores_release", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        return begun(release_request(self.uuid(), user=self.user, now=timezone.now()))


def begin_restore(view: BackupView, asked: ConfirmationSerializer, **source: Any) -> Response:
    """201 with a restore that was asked for; `source` where the address says what is restored."""
    operation = restore_request(
        asked.choices(**source),
        user=view.user,
        now=timezone.now(),
        confirm=asked.validated_data["confirm"],
        plan=asked.validated_data.get("plan"),
    )
    said = begun(operation)
    restore = None if operation.restore is None else selectors.restore_by_uuid(operation.restore.uuid)
    return Response(
        {"restore": RestoreDetailSerializer(restore or operation.restore).data, "operation": said.data},
        status=status.HTTP_201_CREATED,
    )


def _restore(view: BackupView) -> RestoreJob:
    found = selectors.restore_by_uuid(view.uuid())
    if found is None:
        raise NotFound(f"There is no restore {view.uuid()}.")
    return found


def _operation(row: RestoreJob) -> Operation | None:
    return next((one for one in row.operations.all() if one.kind == OperationKind.RESTORE), None)


urlpatterns = [
    path("restores/", RestoreList.as_view(), name="restores"),
    path("restores/plan/", RestorePlan.as_view(), name="restore-plan"),
    path("restores/<str:uuid>/", RestoreDetail.as_view(), name="restore"),
    path("restores/<str:uuid>/cancel/", RestoreCancel.as_view(), name="restore-cancel"),
    path("restores/<str:uuid>/rollback/", RestoreRollback.as_view(), name="restore-rollback"),
    path("restores/<str:uuid>/release/", RestoreRelease.as_view(), name="restore-release"),
]
