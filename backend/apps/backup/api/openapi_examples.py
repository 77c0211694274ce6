"""Example requests and answers for the OpenAPI document, by operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from drf_spectacular.utils import OpenApiExample

_JOB: Final = "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"
_NAME: Final = "production_daily_full-20261124T020000Z"
_OPERATION: Final[Mapping[str, object]] = {
    "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
    "kind": "VERIFY",
    "status": "PENDING",
    "subject": _NAME,
    "job": _JOB,
    "restore": None,
    "arguments": {"backup": _JOB},
    "result": {},
    "progress": None,
    "needs": "run_backups",
    "error_message": "",
    "requested_by": "anna",
    "decided_by": None,
    "decided_at": None,
    "queued_at": "2026-11-24T09:15:00Z",
    "started_at": None,
    "completed_at": None,
    "cancel_requested_at": None,
    "cancellable": True,
}


def _asked(name: str, value: Mapping[str, object]) -> OpenApiExample:
    return OpenApiExample(name, value=dict(value), request_only=True)


def _answered(name: str, status: int, value: Mapping[str, object]) -> OpenApiExample:
    return OpenApiExample(name, value=dict(value), response_only=True, status_codes=[str(status)])


_WEEKLY: Final = _asked(
    "An export every Sunday",
    {
        "name": "my_weekly_export",
        "backup_type": "EXPORT",
        "frequency": "WEEKLY",
        "schedule_time": "03:00",
        "schedule_days": [6],
        "retention_days": 90,
        "max_backups": 12,
    },
)

_ONE_DOCUMENT: Final[Mapping[str, object]] = {
    "backup": _JOB,
    "target": "folder",
    "name": "one-document",
    "paths": ["files/media/2026/contract.pdf"],
}
_TABLES: Final = ["documents_document", "documents_documentversion"]

EXAMPLES: Final[Mapping[str, Sequence[OpenApiExample]]] = {
    "configurations_create": (
        _asked("On demand", {"name": "my_backup", "backup_type": "FULL", "frequency": "ON_DEMAND"}),
        _WEEKLY,
    ),
    "configurations_preview": (
        _WEEKLY,
        _answered(
            "Its schedule",
            200,
            {
                "schedule_in_words": "Sundays at 03:00",
                "time_zone": "Europe/Berlin",
                "runs_by_schedule": True,
                "next_runs": ["2026-11-29T02:00:00Z", "2026-12-06T02:00:00Z"],
            },
        ),
    ),
    "configurations_partial_update": (_asked("Kept for a year", {"retention_days": 365}),),
    "configurations_duplicate": (_asked("Another name", {"name": "my_backup_2"}),),
    "configurations_run_now": (
        _answered(
            "Started",
            201,
            {"status": "started", "job_id": _JOB, "job_name": _NAME, "message": "The backup has been started."},
        ),
        _answered(
            "Another one is running",
            409,
            {
                "status": "conflict",
                "message": f"The configuration 'production_daily_full' has a job that runs or is about to ({_JOB});"
                " wait for its end, or cancel it.",
                "job_id": _JOB,
            },
        ),
    ),
    "jobs_cancel": (_asked("With a reason", {"reason": "the disk is needed"}),),
    "jobs_pin": (_asked("With a reason", {"reason": "the audit of 2026"}),),
    "jobs_verify": (_answered("Queued", 202, _OPERATION),),
    "jobs_restore": (_asked("To the live system", {"target": "live", "confirm": _NAME}),),
    "restores_plan": (
        _asked("To the live system", {"backup": _JOB, "target": "live"}),
        _asked("One document", _ONE_DOCUMENT),
        _asked("Two tables", {"backup": _JOB, "target": "database", "name": "looked_at", "tables": _TABLES}),
    ),
    "restores_create": (
        _asked("To the live system", {"backup": _JOB, "target": "live", "confirm": _NAME}),
        _asked("To a folder", {"backup": _JOB, "target": "folder", "name": "for-the-auditor"}),
        _asked("One document", {**_ONE_DOCUMENT, "plan": _OPERATION["uuid"]}),
    ),
    "system_prune": (_asked("Prune even if it frees little space", {"force": True}),),
}
