"""List, add and withdraw acknowledgements of findings and problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_noop
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import selectors
from ..core.permissions import Right
from ..doctor.health import forget_health, health
from ..errors import JobNotFound, RequestRefused
from ..models import Acknowledgement
from ..services.acknowledgements import acknowledgement_withdraw, findings_acknowledge, problems_acknowledge
from .base_views import BackupView
from .openapi_operations import extend_schema
from .serializer_fields import ApiSerializer, RowSerializer, StrictSerializer, TimestampField


class AcknowledgementSerializer(RowSerializer):
    """The acknowledgement of one finding or problem by a user, until a date."""

    class Meta:
        model = Acknowledgement
        fields = ["uuid", "kind", "subject", "text", "who", "why", "at", "until"]
        read_only_fields = fields
        extra_kwargs = {
            "kind": {"help_text": "The id of the finding, or `problem` for a problem of an INCOMPLETE backup."},
            "subject": {"help_text": "The subject of the finding, or the path of the problem."},
            "text": {"help_text": "The text of the finding. A finding with another text is not acknowledged."},
        }


class AcknowledgeSerializer(StrictSerializer):
    """An open warning by its id, subject and text, or all problems of one INCOMPLETE job."""

    finding = serializers.CharField(max_length=32, required=False, help_text="Its id, such as backup.W011.")
    subject = serializers.CharField(max_length=2000, required=False)
    what = serializers.CharField(max_length=10_000, required=False)
    job = serializers.UUIDField(required=False)
    why = serializers.CharField(max_length=500)
    until = TimestampField(help_text="Within a year.")


class AcknowledgementsSerializer(ApiSerializer):
    """The open acknowledgements, or those that were just added."""

    acknowledgements = AcknowledgementSerializer(many=True)


class Acknowledgements(BackupView):
    """The open acknowledgements. Each is listed until it expires or is withdrawn."""

    rights = {"GET": Right.VIEW, "POST": Right.CONFIGURE}
    serializer_class = AcknowledgeSerializer

    @extend_schema(operation_id="acknowledgements_list", responses=AcknowledgementsSerializer)
    def get(self, request: Request) -> Response:
        self.filters()
        found = {"acknowledgements": selectors.acknowledgements_open(now=timezone.now())}
        return Response(AcknowledgementsSerializer(found).data)

    @extend_schema(operation_id="acknowledgements_create", responses={201: AcknowledgementsSerializer})
    def post(self, request: Request) -> Response:
        made = {"acknowledgements": _acknowledge(self.asked())}
        forget_health()
        return Response(AcknowledgementsSerializer(made).data, status=status.HTTP_201_CREATED)


def _acknowledge(asked: Mapping[str, Any]) -> list[Acknowledgement]:
    """Acknowledge a warning or the problems of a job. Raises `RequestRefused` if it is not open, `JobNotFound`."""
    now, why, until = timezone.now(), asked["why"], asked["until"]
    named = tuple(asked[name] for name in ("finding", "subject", "what") if name in asked)
    if "job" in asked and not named:
        job = selectors.job_by_uuid(asked["job"])
        if job is None:
            raise JobNotFound(f"There is no job {asked['job']}.")
        return problems_acknowledge(job, why=why, until=until, now=now)
    if len(named) != len(("finding", "subject", "what")) or "job" in asked:
        raise RequestRefused(gettext_noop("Name a finding by `finding`, `subject` and `what`, or a job by `job`."))
    if not any(one.key() == named and one.is_warning for one in health().findings):
        raise RequestRefused(
            gettext_noop("There is no open warning with these values. CRITICAL findings cannot be acknowledged.")
        )
    return findings_acknowledge([named], why=why, until=until, now=now)


class AcknowledgementDetail(BackupView):
    """One acknowledgement."""

    rights = {"DELETE": Right.CONFIGURE}

    @extend_schema(operation_id="acknowledgements_delete", responses={204: None})
    def delete(self, request: Request, **_names: str) -> Response:
        acknowledgement_withdraw(self.uuid(), now=timezone.now())
        forget_health()
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("system/acknowledgements/", Acknowledgements.as_view(), name="acknowledgements"),
    path("system/acknowledgements/<str:uuid>/", AcknowledgementDetail.as_view(), name="acknowledgement"),
]
