"""Operations, the long tasks besides backups: list, cancel, approve and reject them."""

from __future__ import annotations

import logging

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_noop
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from edms_common.paging import CursorPages

from .. import selectors
from ..core.permissions import Right
from ..errors import BrokerUnavailable
from ..executors.dispatch import submit_operation
from ..models import Operation, OperationKind, OperationStatus
from ..services.operations import operation_approve, operation_cancel_request, operation_reject, right_of
from .base_views import BackupView
from .jobs import ProgressSerializer, ReasonSerializer
from .openapi_operations import extend_schema
from .serializer_fields import EmptySerializer, RowSerializer, StrictSerializer, UserNameField, UuidField

_logger = logging.getLogger(__name__)


class OperationSerializer(RowSerializer):
    """A long task that is not a backup, from the request to its end."""

    job = UuidField()
    restore = UuidField()
    requested_by = UserNameField()
    decided_by = UserNameField()
    arguments = serializers.DictField(help_text="The request; depends on the kind.")
    result = serializers.DictField(help_text="The result; depends on the kind. For a PLAN it is the plan.")
    progress = serializers.SerializerMethodField(help_text="Null unless the operation is running.")
    cancellable = serializers.BooleanField(
        help_text="Whether it can be cancelled: not after its end, and not while it swaps the live system."
    )
    needs = serializers.SerializerMethodField(help_text="The right required to cancel, approve or reject it.")

    class Meta:
        model = Operation
        fields = [
            "uuid",
            "kind",
            "status",
            "subject",
            "job",
            "restore",
            "arguments",
            "result",
            "progress",
            "needs",
            "error_message",
            "requested_by",
            "decided_by",
            "decided_at",
            "queued_at",
            "started_at",
            "completed_at",
            "cancel_requested_at",
            "cancellable",
        ]
        read_only_fields = fields

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, row: Operation) -> dict[str, object] | None:
        return (row.progress or None) if row.status == OperationStatus.RUNNING else None

    @extend_schema_field(serializers.ChoiceField([one.codename for one in Right]))
    def get_needs(self, row: Operation) -> str:
        return right_of(row).codename


class OperationFilter(StrictSerializer):
    """The filters of the list."""

    kind = serializers.ChoiceField(OperationKind.choices, required=False)
    status = serializers.MultipleChoiceField(choices=OperationStatus.choices, required=False)
    job = serializers.UUIDField(required=False)
    restore = serializers.UUIDField(required=False)


class OperationList(BackupView):
    """All operations, newest first."""

    rights = {"GET": Right.VIEW}
    serializer_class = OperationSerializer
    pagination_class = CursorPages
    filter_serializer = OperationFilter
    orderings = {"-queued_at": "queued_at"}

    def get_queryset(self) -> QuerySet[Operation]:
        return selectors.operations_matching(**self.filters())

    @extend_schema(
        operation_id="operations_list", parameters=[OperationFilter], responses=OperationSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        return self.page(self.get_queryset())


class OperationDetail(BackupView):
    """One operation, with its progress and result."""

    rights = {"GET": Right.VIEW}
    serializer_class = OperationSerializer

    @extend_schema(operation_id="operations_retrieve")
    def get(self, request: Request, **_names: str) -> Response:
        return Response(self.get_serializer(operation_in_address(self)).data)


class OperationCancel(BackupView):
    """Cancel an operation. A running one stops within seconds; a restore can be cancelled until its swap begins."""

    rights = {"POST": None}
    right_in_words = "that of the operation"
    serializer_class = ReasonSerializer

    @extend_schema(operation_id="operations_cancel", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        row = _operation_to_decide(self)
        reason = _reason(self) or f"Cancelled by {self.user.get_username()}."
        return accepted(operation_cancel_request(row.uuid, reason, now=timezone.now()))


class OperationApprove(BackupView):
    """Approve an operation of another user, which then starts."""

    rights = {"POST": None}
    right_in_words = "that of the operation"
    serializer_class = EmptySerializer

    @extend_schema(operation_id="operations_approve", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        row = _operation_to_decide(self)
        self.asked()
        return submit_and_accept(operation_approve(row.uuid, user=self.user, now=timezone.now()))


class OperationReject(BackupView):
    """Reject an operation of another user."""

    rights = {"POST": None}
    right_in_words = "that of the operation"
    serializer_class = ReasonSerializer

    @extend_schema(operation_id="operations_reject", responses={200: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        row = _operation_to_decide(self)
        ended = operation_reject(row.uuid, user=self.user, reason=_reason(self), now=timezone.now())
        return Response(OperationSerializer(ended).data)


def submit_and_accept(operation: Operation) -> Response:
    """Return 202 with a new operation; submit it to an executor unless it waits for approval."""
    if operation.status == OperationStatus.PENDING:
        try:
            submit_operation(operation.uuid, now=timezone.now())
        except BrokerUnavailable as error:
            # The operation is stored: the watchdog of the workers finds it within minutes.
            _logger.warning("%s", error)
    return accepted(operation)


def accepted(operation: Operation) -> Response:
    """Return 202 with the current state of an operation."""
    row = selectors.operation_by_uuid(operation.uuid) or operation
    return Response(OperationSerializer(row).data, status=status.HTTP_202_ACCEPTED)


def operation_in_address(view: BackupView) -> Operation:
    """Return the operation whose uuid is in the address. Raises NotFound."""
    found = selectors.operation_by_uuid(view.uuid())
    if found is None:
        raise NotFound(f"There is no operation {view.uuid()}.")
    return found


def _operation_to_decide(view: BackupView) -> Operation:
    """Return the operation in the address, for users with the right of its kind. Other users get only a 403."""
    row = selectors.operation_by_uuid(view.uuid())
    if row is None and view.user.has_perm(Right.VIEW.permission):  # type: ignore[attr-defined]
        raise NotFound(f"There is no operation {view.uuid()}.")
    if row is None or not view.user.has_perm(right_of(row).permission):  # type: ignore[attr-defined]
        raise PermissionDenied(gettext_noop("You do not have the permission to do this."))
    return row


def _reason(view: BackupView) -> str:
    return str(view.asked()["reason"])


urlpatterns = [
    path("operations/", OperationList.as_view(), name="operations"),
    path("operations/<str:uuid>/", OperationDetail.as_view(), name="operation"),
    path("operations/<str:uuid>/cancel/", OperationCancel.as_view(), name="operation-cancel"),
    path("operations/<str:uuid>/approve/", OperationApprove.as_view(), name="operation-approve"),
    path("operations/<str:uuid>/reject/", OperationReject.as_view(), name="operation-reject"),
]
