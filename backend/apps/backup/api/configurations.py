"""Configurations: the named policies, and running one now."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_noop
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from edms_common.paging import CursorPages
from strongroom.retention import Rules

from .. import conf, selectors
from ..backups.presence import presence
from ..core.permissions import Right
from ..errors import AlreadyRunning
from ..executors.dispatch import submit
from ..jobs.plan import require_runnable
from ..models import BackupConfiguration
from ..policies.production import ConfigurationValues
from ..policies.schedule import Schedule, schedule_zone
from ..retention.plan import plan_retention, rules_of
from ..retention.whole_configuration import removable_backups
from ..selectors.executors import executors_alive
from ..services.configurations import (
    configuration_create,
    configuration_delete,
    configuration_disable,
    configuration_draft,
    configuration_duplicate,
    configuration_enable,
    configuration_update,
)
from ..services.due_jobs import upcoming
from ..services.manual_runs import configuration_run
from ..services.operation_requests import configuration_delete_request
from .base_views import BackupView
from .configuration_fields import (
    USUAL_RUNS,
    ConfigurationFilter,
    ConfigurationSerializer,
    ConflictSerializer,
    NameSerializer,
    RetentionFilter,
    RetentionSerializer,
    RulesSerializer,
    ScheduleFilter,
    ScheduleSerializer,
    StartedSerializer,
)
from .openapi_operations import extend_schema
from .operations import OperationSerializer, submit_and_accept
from .serializer_fields import EmptySerializer, StrictSerializer

_MOST_VERDICTS = 1000


class ConfigurationList(BackupView):
    """All configurations, including disabled ones and those on demand."""

    rights = {"GET": Right.VIEW, "POST": Right.CONFIGURE}
    serializer_class = ConfigurationSerializer
    pagination_class = CursorPages
    filter_serializer = ConfigurationFilter
    orderings = {"name": "name", "created_at": "created_at", "updated_at": "updated_at"}

    def get_queryset(self) -> QuerySet[BackupConfiguration]:
        return selectors.configurations_matching(**self.filters())

    @extend_schema(
        operation_id="configurations_list",
        parameters=[ConfigurationFilter],
        responses=ConfigurationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(self.get_queryset())

    @extend_schema(operation_id="configurations_create", responses={201: ConfigurationSerializer})
    def post(self, request: Request) -> Response:
        asked = self.asked()
        row = configuration_create(ConfigurationValues(**asked), now=timezone.now(), created_by=self.user)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)


class DeletionFilter(StrictSerializer):
    """Whether the backups are deleted, too."""

    backups = serializers.BooleanField(required=False, default=False, help_text="Delete its backups, too.")


class ConfigurationDetail(BackupView):
    """One configuration."""

    rights = {
        "GET": Right.VIEW,
        "PUT": Right.CONFIGURE,
        "PATCH": Right.CONFIGURE,
        "DELETE": Right.CONFIGURE,
    }
    serializer_class = ConfigurationSerializer
    filter_serializer = DeletionFilter

    def row(self) -> BackupConfiguration:
        """Return the configuration in the address. Raises NotFound."""
        return configuration_of(self)

    @extend_schema(operation_id="configurations_retrieve")
    def get(self, request: Request, **_names: str) -> Response:
        return Response(self.get_serializer(self.row()).data)

    @extend_schema(operation_id="configurations_update", description="Fields that are not given are not changed.")
    def put(self, request: Request, **_names: str) -> Response:
        return self._change(request, partial=False)

    @extend_schema(operation_id="configurations_partial_update")
    def patch(self, request: Request, **_names: str) -> Response:
        return self._change(request, partial=True)

    @extend_schema(
        operation_id="configurations_delete",
        responses={204: None, 202: OperationSerializer},
        parameters=[DeletionFilter],
        description=(
            "Delete it; its backups stay, unless `backups` is true, which also requires `delete_backups`. 202 with an"
            " operation for its backups, and if a second person must approve."
        ),
    )
    def delete(self, request: Request, **_names: str) -> Response:
        backups = self.filters()["backups"]
        if backups:
            if not self.user.has_perm(Right.DELETE.permission):  # type: ignore[attr-defined]
                raise PermissionDenied(
                    gettext_noop("You may not delete backups. Delete the configuration without them.")
                )
            removable_backups(self.uuid())
        if backups or _deleting_takes_two():
            now = timezone.now()
            return submit_and_accept(
                configuration_delete_request(self.uuid(), backups=backups, user=self.user, now=now)
            )
        configuration_delete(self.uuid(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, *, partial: bool) -> Response:
        asked = self.get_serializer(self.row(), data=request.data, partial=partial)
        asked.is_valid(raise_exception=True)
        now, forbid_reductions = timezone.now(), _deleting_takes_two()
        row = configuration_update(self.uuid(), asked.validated_data, now=now, forbid_reductions=forbid_reductions)
        return Response(self.get_serializer(row).data)


def _deleting_takes_two() -> bool:
    return "delete" in conf.load().second_person


class RunNow(BackupView):
    """Run a configuration now, even if its schedule is disabled."""

    rights = {"POST": Right.RUN}
    serializer_class = EmptySerializer

    @extend_schema(operation_id="configurations_run_now", responses={201: StartedSerializer, 409: ConflictSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        self.asked()
        now = timezone.now()
        require_runnable(configuration_of(self))
        try:
            job = configuration_run(self.uuid(), now=now, triggered_by=self.user)
        except AlreadyRunning as error:
            # Existing clients expect this form.
            return Response({"status": "conflict", "message": str(error), "job_id": error.job}, status=409)
        submit(job.uuid, now=now)
        answer = {"status": "started", "job_id": job.uuid, "job_name": job.job_name, "message": _expectation(now)}
        return Response(answer, status=status.HTTP_201_CREATED)


def _expectation(now: datetime) -> str:
    """Say whether the run has started or waits for an executor."""
    if conf.load().executor in {"agent", "celery"} and not executors_alive(now=now):
        return "The backup is queued. No agent or worker is running; it starts as soon as one runs."
    return "The backup has been started."


class Enable(BackupView):
    """Enable its schedule from now on."""

    rights = {"POST": Right.CONFIGURE}
    serializer_class = EmptySerializer

    @extend_schema(operation_id="configurations_enable", responses=ConfigurationSerializer)
    def post(self, request: Request, **_names: str) -> Response:
        self.asked()
        return Response(ConfigurationSerializer(configuration_enable(self.uuid(), now=timezone.now())).data)


class Disable(BackupView):
    """Disable its schedule. Manual runs and retention are not affected. 403 if deleting requires a second person."""

    rights = {"POST": Right.CONFIGURE}
    serializer_class = EmptySerializer

    @extend_schema(operation_id="configurations_disable", responses=ConfigurationSerializer)
    def post(self, request: Request, **_names: str) -> Response:
        self.asked()
        row = configuration_disable(self.uuid(), now=timezone.now(), forbid_reductions=_deleting_takes_two())
        return Response(ConfigurationSerializer(row).data)


class Duplicate(BackupView):
    """Copy it under another name, with the schedule disabled."""

    rights = {"POST": Right.CONFIGURE}
    serializer_class = NameSerializer

    @extend_schema(operation_id="configurations_duplicate", responses={201: ConfigurationSerializer})
    def post(self, request: Request, **_names: str) -> Response:
        asked = self.asked()
        name = asked["name"]
        row = configuration_duplicate(self.uuid(), name=name, now=timezone.now(), created_by=self.user)
        return Response(ConfigurationSerializer(row).data, status=status.HTTP_201_CREATED)


class ScheduleView(BackupView):
    """Its schedule in words, and its next runs."""

    rights = {"GET": Right.VIEW}
    serializer_class = ScheduleSerializer
    filter_serializer = ScheduleFilter

    @extend_schema(operation_id="configurations_schedule", parameters=[ScheduleFilter])
    def get(self, request: Request, **_names: str) -> Response:
        count = self.filters()["count"]
        return Response(_schedule(configuration_of(self), count))


class RetentionView(BackupView):
    """Show which backups retention would remove now, and why; with `all`, also those it keeps. Nothing is changed."""

    rights = {"GET": Right.VIEW, "POST": Right.VIEW}
    serializer_class = RulesSerializer
    filter_serializer = RetentionFilter
    throttle_scope = "read"

    @extend_schema(operation_id="configurations_retention", parameters=[RetentionFilter], responses=RetentionSerializer)
    def get(self, request: Request, **_names: str) -> Response:
        return self._plan(configuration_of(self), {})

    @extend_schema(
        operation_id="configurations_retention_preview",
        parameters=[RetentionFilter],
        responses=RetentionSerializer,
        description="The same with rules that are not saved. Rules that are not given are as saved.",
    )
    def post(self, request: Request, **_names: str) -> Response:
        row = configuration_of(self)
        for name, value in self.asked().items():
            setattr(row, name, value)
        return self._plan(row, {row.pk: rules_of(row)})

    def _plan(self, row: BackupConfiguration, changed: Mapping[int, Rules]) -> Response:
        asked, now = self.filters(), timezone.now()
        verdicts = plan_retention(now=now, only=[row.pk], absent=presence().absent(), changed=changed)
        going = [one for one in verdicts if not one.keep]
        shown = verdicts if asked["all"] else going
        return Response(
            {
                "at": now,
                "kept": len(verdicts) - len(going),
                "going": len(going),
                "verdicts": [dataclasses.asdict(one) for one in shown[:_MOST_VERDICTS]],
            }
        )


class Preview(BackupView):
    """Preview an unsaved configuration: its schedule in words, and its next runs."""

    rights = {"POST": Right.CONFIGURE}
    serializer_class = ConfigurationSerializer
    throttle_scope = "read"

    @extend_schema(operation_id="configurations_preview", responses=ScheduleSerializer)
    def post(self, request: Request) -> Response:
        asked = self.asked()
        row = configuration_draft(ConfigurationValues(**asked), now=timezone.now())
        return Response(_schedule(row, USUAL_RUNS))


def _schedule(row: BackupConfiguration, count: int) -> dict[str, object]:
    zone = schedule_zone()
    return {
        "schedule_in_words": Schedule.of(row, zone).words(),
        "time_zone": str(zone),
        "runs_by_schedule": row.runs_by_schedule,
        "next_runs": upcoming(row, now=timezone.now(), count=count),
    }


def configuration_of(view: BackupView) -> BackupConfiguration:
    """Return the configuration whose uuid is in the address. Raises NotFound."""
    found = selectors.configuration_by_uuid(view.uuid())
    if found is None:
        raise NotFound(f"There is no configuration {view.uuid()}.")
    return found


urlpatterns = [
    path("configurations/", ConfigurationList.as_view(), name="configurations"),
    path("configurations/preview/", Preview.as_view(), name="configuration-preview"),
    path("configurations/<str:uuid>/", ConfigurationDetail.as_view(), name="configuration"),
    path("configurations/<str:uuid>/run-now/", RunNow.as_view(), name="configuration-run-now"),
    path("configurations/<str:uuid>/enable/", Enable.as_view(), name="configuration-enable"),
    path("configurations/<str:uuid>/disable/", Disable.as_view(), name="configuration-disable"),
    path("configurations/<str:uuid>/duplicate/", Duplicate.as_view(), name="configuration-duplicate"),
    path("configurations/<str:uuid>/schedule/", ScheduleView.as_view(), name="configuration-schedule"),
    path("configurations/<str:uuid>/retention/", RetentionView.as_view(), name="configuration-retention"),
]
