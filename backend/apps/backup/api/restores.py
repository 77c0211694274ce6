"""Plan, start, list, cancel, roll back and release restores."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from edms_common.paging import CursorPages

from .. import selectors
from ..backups.latest import Facts
from ..backups.presence import presence
from ..backups.resolve import job_latest, wanted_parts
from ..core.permissions import Right
from ..errors import IllegalTransition, StorageAbsent
from ..models import RestoreJob, RestoreStatus, RestoreType, RollbackState
from ..services.operations import OPEN, operation_cancel_request
from ..services.restore_requests import plan_request, release_request, restore_request, rollback_request
from .base_views import BackupView
from .jobs import JobSerializer, ReasonSerializer
from .openapi_operations import extend_schema
from .operations import OperationSerializer, accepted, submit_and_accept
from .restore_fields import (
    BegunSerializer,
    ConfirmationSerializer,
    RestoreDetailSerializer,
    RestoreRequestSerializer,
    RestoreSerializer,
    RollbackSerializer,
    SourceSerializer,
    restore_operation,
)
from .serializer_fields import ApiSerializer, EmptySerializer, StrictSerializer


class RestoreFilter(StrictSerializer):
    """The filters of the list."""

    status = serializers.MultipleChoiceField(choices=RestoreStatus.choices, required=False)
    restore_type = serializers.ChoiceField(RestoreType.choices, required=False)
    rollback_state = serializers.ChoiceField(RollbackState.choices, required=False)
    job = serializers.UUIDField(required=False)


class SuggestionSerializer(ApiSerializer):
    """The backup that `latest` means, with notes on newer ones that were skipped; `job` is null if there is none."""

    job = JobSerializer(allow_null=True)
    is_whole = serializers.BooleanField(help_text="Whether it holds all of the project: database and files.")
    notes = serializers.ListField(child=serializers.CharField())


class RestoreSuggestion(BackupView):
    """The newest backup that is complete and can be restored here."""

    rights = {"GET": Right.VIEW}

    @extend_schema(operation_id="restores_suggestion", responses=SuggestionSerializer)
    def get(self, request: Request) -> Response:
        self.filters()
        now, wanted = timezone.now(), wanted_parts(None)
        try:
            job, notes = job_latest(wanted, presence(), now=now)
        except StorageAbsent as absent:
            job, notes = None, (str(absent),)
        is_whole = job is not None and not Facts.of_job(job, now=now).lacks(wanted)
        return Response(SuggestionSerializer({"job": job, "is_whole": is_whole, "notes": notes}).data)


class RestorePlan(BackupView):
    """Plan a restore without changing anything.

    The plan is an operation: an executor creates it with the rights and the passphrase that a restore would use, and
    reads every value of a portable package for it. The `result` of the operation is the plan.
    """

    rights = {"POST": Right.RESTORE}
    serializer_class = SourceSerializer
    further_problems = (404, 410)

    @extend_schema(operation_id="restores_plan", responses={202: OperationSerializer})
    def post(self, request: Request) -> Response:
        asked = SourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return submit_and_accept(plan_request(asked.restore_request(), user=self.user, now=timezone.now()))


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
    def get(self, request: Request) -> Response:
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
    def get(self, request: Request, **_names: str) -> Response:
        return Response(self.get_serializer(found_restore(self)).data)


class RestoreCancel(BackupView):
    """Cancel a restore before its swap begins. The data that it has prepared is removed."""

    rights = {"POST": Right.RESTORE}
    serializer_class = ReasonSerializer

    @extend_schema(operation_id="restores_cancel", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        asked = self.asked()
        row = found_restore(self)
        operation = restore_operation(row)
        if operation is None or operation.status not in OPEN:
            raise IllegalTransition(f"The restore {row.uuid} is {row.status} and cannot be cancelled.")
        reason = asked["reason"] or f"Cancelled by {self.user.get_username()}."
        return accepted(operation_cancel_request(operation.uuid, reason, now=timezone.now()))


class RestoreRollback(BackupView):
    """Make the state before a restore live again."""

    rights = {"POST": Right.RESTORE}
    serializer_class = RollbackSerializer

    @extend_schema(operation_id="restores_rollback", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        safety = self.asked()["safety_backup"]
        return submit_and_accept(
            rollback_request(self.uuid(), user=self.user, now=timezone.now(), safety_backup=safety)
        )


class RestoreRelease(BackupView):
    """Delete the data that a restore replaced. After that, the restore cannot be rolled back."""

    rights = {"POST": Right.RESTORE}
    serializer_class = EmptySerializer

    @extend_schema(operation_id="restores_release", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        self.asked()
        return submit_and_accept(release_request(self.uuid(), user=self.user, now=timezone.now()))


def begin_restore(view: BackupView, asked: ConfirmationSerializer, **source: Any) -> Response:
    """Request a restore, and return 201 with it. `source` is the backup or upload that the address names."""
    operation = restore_request(
        asked.restore_request(**source),
        user=view.user,
        now=timezone.now(),
        confirm=asked.validated_data["confirm"],
        plan=asked.validated_data.get("plan"),
    )
    answer = submit_and_accept(operation)
    restore = None if operation.restore is None else selectors.restore_by_uuid(operation.restore.uuid)
    return Response(
        {"restore": RestoreDetailSerializer(restore or operation.restore).data, "operation": answer.data},
        status=status.HTTP_201_CREATED,
    )


def found_restore(view: BackupView) -> RestoreJob:
    """Return the restore in the address. Raises NotFound."""
    found = selectors.restore_by_uuid(view.uuid())
    if found is None:
        raise NotFound(f"There is no restore {view.uuid()}.")
    return found


urlpatterns = [
    path("restores/", RestoreList.as_view(), name="restores"),
    path("restores/suggestion/", RestoreSuggestion.as_view(), name="restore-suggestion"),
    path("restores/plan/", RestorePlan.as_view(), name="restore-plan"),
    path("restores/<str:uuid>/", RestoreDetail.as_view(), name="restore"),
    path("restores/<str:uuid>/cancel/", RestoreCancel.as_view(), name="restore-cancel"),
    path("restores/<str:uuid>/rollback/", RestoreRollback.as_view(), name="restore-rollback"),
    path("restores/<str:uuid>/release/", RestoreRelease.as_view(), name="restore-release"),
]
