"""Build the OpenAPI 3.1 document from the views of all addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings

from ..backups.contents import KINDS
from ..core.permissions import Right
from ..doctor.findings import Severity
from ..doctor.protection_status import Protection
from ..models import (
    AuditOrigin,
    BackupType,
    ConfigurationStatus,
    Frequency,
    JobStatus,
    OperationKind,
    OperationStatus,
    RestoreStatus,
    RestoreType,
    RollbackState,
    Trigger,
    Trust,
)
from ..reporting.event_stream import NAMES
from .routes import ADDRESSES

_DESCRIPTION: Final = """Backups of a Django project: configurations, jobs, restores, and the protection status.

Each action requires one right of its own: `backup.view_backups`, `configure`, `run`, `download`, `restore`, `delete`,
`prune`. Without authentication every address answers 401, without the right 403, whether or not the object exists.
Errors are problems as in RFC 9457; the server's log contains their `id`. Times are ISO 8601 with an offset, sizes are
bytes."""

_SETTINGS: Final[Mapping[str, object]] = {
    "TITLE": "EDMS Backup",
    "DESCRIPTION": _DESCRIPTION,
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATION_PARAMETERS": True,
    "SCHEMA_PATH_PREFIX": "",
    "SERVERS": [],
    "ENUM_NAME_OVERRIDES": {
        "EntryKind": [(one, one) for one in KINDS],
        "EventName": [(one, one) for one in NAMES],
        "AuditOrigin": AuditOrigin.choices,
        "BackupType": BackupType.choices,
        "ConfigurationStatus": ConfigurationStatus.choices,
        "Frequency": Frequency.choices,
        "JobStatus": JobStatus.choices,
        "OperationKind": OperationKind.choices,
        "OperationStatus": OperationStatus.choices,
        "Protection": [(one.value, one.value) for one in Protection],
        "RestoreStatus": RestoreStatus.choices,
        "RestoreType": RestoreType.choices,
        "Right": [(one.codename, one.codename) for one in Right],
        "RollbackState": RollbackState.choices,
        "Severity": [(one.name, one.name) for one in Severity],
        "Trigger": Trigger.choices,
        "Trust": Trust.choices,
    },
}

_LINKS: Final = (
    ("acknowledgements_list", "200", "/acknowledgements/0/uuid", "/system/acknowledgements/{uuid}/"),
    ("configurations_create", "201", "/uuid", "/configurations/{uuid}/"),
    ("configurations_duplicate", "201", "/uuid", "/configurations/{uuid}/"),
    ("configurations_list", "200", "/results/0/uuid", "/configurations/{uuid}/"),
    ("configurations_run_now", "201", "/job_id", "/jobs/{uuid}/"),
    ("jobs_list", "200", "/results/0/uuid", "/jobs/{uuid}/"),
    ("jobs_restore", "201", "/restore/uuid", "/restores/{uuid}/"),
    ("jobs_restore", "201", "/operation/uuid", "/operations/{uuid}/"),
    ("jobs_verify", "202", "/uuid", "/operations/{uuid}/"),
    ("restores_plan", "202", "/uuid", "/operations/{uuid}/"),
    ("restores_list", "200", "/results/0/uuid", "/restores/{uuid}/"),
    ("operations_list", "200", "/results/0/uuid", "/operations/{uuid}/"),
    ("uploads_create", "201", "/uuid", "/uploads/{uuid}/"),
)
"""Operation, status, and pointer to the uuid in its answer that is used in the addresses with this prefix."""


def document(*, server: str = "") -> dict[str, Any]:
    """Return the whole document. `server` is the base address of the API, if it is known."""
    # A release of drf-spectacular without OpenAPI 3.1 writes 3.0 with the same content.
    with patched_settings({name: value for name, value in _SETTINGS.items() if name in SPECTACULAR_DEFAULTS}):
        generator: Any = SchemaGenerator
        made: dict[str, Any] = generator(patterns=ADDRESSES).get_schema(request=None, public=True)
    if server:
        made["servers"] = [{"url": server}]
    _link(made["paths"])
    for name, schema in made["components"]["schemas"].items():
        # Unknown fields, such as misspelled names, are refused.
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False
    return made


def _link(paths: Mapping[str, Any]) -> None:
    """Link the operation that creates an object to the operations that use it."""
    for source, status, pointer, prefix in _LINKS:
        operation = next(one for path in paths.values() for one in path.values() if one["operationId"] == source)
        links = operation["responses"][status].setdefault("links", {})
        for path, operations in paths.items():
            if path.startswith(prefix):
                for one in operations.values():
                    parameters = {"uuid": f"$response.body#{pointer}"}
                    links[one["operationId"]] = {"operationId": one["operationId"], "parameters": parameters}
