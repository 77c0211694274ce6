"""Show, verify, restore and delete a stored backup; prune the repositories."""

from __future__ import annotations

from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from ..core.permissions import Right
from ..services.operation_requests import prune_request, remove_request, verify_request
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


class Prune(BackupView):
    """Remove the backups that retention no longer keeps, and free their space."""

    rights = {"POST": Right.PRUNE}
    serializer_class = PruneSerializer

    @extend_schema(operation_id="system_prune", responses={202: OperationSerializer})
    def post(self, request: Request) -> Response:
        asked = self.asked()
        return submit_and_accept(prune_request(user=self.user, now=timezone.now(), force=asked["force"]))


urlpatterns = [
    path("jobs/<str:uuid>/", JobDetail.as_view(), name="job"),
    path("jobs/<str:uuid>/verify/", JobVerify.as_view(), name="job-verify"),
    path("jobs/<str:uuid>/restore/", JobRestore.as_view(), name="job-restore"),
    path("system/prune/", Prune.as_view(), name="prune"),
]
