"""Show, verify, restore and delete a stored backup; prune, check and unlock the repositories."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ..core.permissions import Right
from ..services.operation_requests import (
    check_request,
    prune_request,
    remove_request,
    unlock_request,
    verify_request,
)
from ..storage.locations import resolve_place
from .base_views import BackupView
from .jobs import JobDetailSerializer, job_of
from .openapi_operations import extend_schema
from .operations import OperationSerializer, submit_and_accept
from .restore_fields import BegunSerializer, ConfirmationSerializer
from .restores import begin_restore
from .serializer_fields import EmptySerializer, FlagField, StrictSerializer


class JobDetail(BackupView):
    """One job, and its backup."""

    rights = {"GET": Right.VIEW, "DELETE": Right.DELETE}
    serializer_class = JobDetailSerializer
    further_problems = (410,)

    @extend_schema(operation_id="jobs_retrieve")
    def get(self, request: Request, **_names: str) -> Response:
        return Response(self.get_serializer(job_of(self)).data)

    @extend_schema(
        operation_id="jobs_delete",
        responses={202: OperationSerializer},
        description="Delete its backup from the storage. The job stays in the list, with the reason of the removal.",
    )
    def delete(self, request: Request, **_names: str) -> Response:
        return submit_and_accept(remove_request(self.uuid(), user=self.user, now=timezone.now()))


class JobVerify(BackupView):
    """Verify its backup: read every byte, and compare it with its manifest."""

    rights = {"POST": Right.RUN}
    serializer_class = EmptySerializer
    further_problems = (410,)

    @extend_schema(operation_id="jobs_verify", responses={202: OperationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        self.asked()
        return submit_and_accept(verify_request(self.uuid(), user=self.user, now=timezone.now()))


class JobRestore(BackupView):
    """Restore its backup: to the live system, into a folder, or into a new database."""

    rights = {"POST": Right.RESTORE}
    serializer_class = ConfirmationSerializer
    further_problems = (410,)

    @extend_schema(operation_id="jobs_restore", responses={201: BegunSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        asked = ConfirmationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return begin_restore(self, asked, backup=self.uuid())


class PruneSerializer(StrictSerializer):
    force = FlagField(required=False, default=False, help_text="Prune even if it frees little space.")
    dry_run = FlagField(required=False, default=False, help_text="Only forecast what would be removed and freed.")


class Prune(BackupView):
    """Remove the backups that retention no longer keeps, and free their space."""

    rights = {"POST": Right.PRUNE}
    serializer_class = PruneSerializer

    @extend_schema(operation_id="system_prune", responses={202: OperationSerializer})
    def post(self, request: Request) -> Response:
        return submit_and_accept(prune_request(user=self.user, now=timezone.now(), **self.asked()))


class PlaceSerializer(StrictSerializer):
    """The address of a repository, as in `repositories/`."""

    storage_path = serializers.CharField(allow_blank=True, max_length=1000)
    encrypted = FlagField()


class CheckSerializer(PlaceSerializer):
    read_data = FlagField(required=False, default=False, help_text="Read every byte, which may take hours.")


class Check(BackupView):
    """Check the structure of a repository, and with `read_data` every byte."""

    rights = {"POST": Right.RUN}
    serializer_class = CheckSerializer

    @extend_schema(operation_id="system_check", responses={202: OperationSerializer})
    def post(self, request: Request) -> Response:
        asked = self.asked()
        place = resolve_place(asked["storage_path"], encrypted=asked["encrypted"])
        return submit_and_accept(check_request(place, read_data=asked["read_data"], user=self.user, now=timezone.now()))


class Unlock(BackupView):
    """Remove the locks of a repository whose owners have ended. Locks in use stay."""

    rights = {"POST": Right.PRUNE}
    serializer_class = PlaceSerializer

    @extend_schema(operation_id="system_unlock", responses={202: OperationSerializer})
    def post(self, request: Request) -> Response:
        asked = self.asked()
        place = resolve_place(asked["storage_path"], encrypted=asked["encrypted"])
        return submit_and_accept(unlock_request(place, user=self.user, now=timezone.now()))


urlpatterns = [
    path("jobs/<str:uuid>/", JobDetail.as_view(), name="job"),
    path("jobs/<str:uuid>/verify/", JobVerify.as_view(), name="job-verify"),
    path("jobs/<str:uuid>/restore/", JobRestore.as_view(), name="job-restore"),
    path("system/prune/", Prune.as_view(), name="prune"),
    path("system/check/", Check.as_view(), name="check"),
    path("system/unlock/", Unlock.as_view(), name="unlock"),
]
