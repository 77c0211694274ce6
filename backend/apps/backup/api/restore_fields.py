"""The serializers of restores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils.translation import gettext, gettext_noop
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ..backups.secrets import is_withheld
from ..core.paths import path_of, text_of
from ..errors import RequestRefused
from ..models import Operation, OperationKind, OperationStatus, RestoreJob
from ..policies.restore_request import RestoreRequest
from ..restores.changes import Changes
from .jobs import ProgressSerializer
from .operations import OperationSerializer
from .serializer_fields import (
    ApiSerializer,
    RowSerializer,
    StrictSerializer,
    TextField,
    TimestampField,
    UserNameField,
    UuidField,
)

SEVERAL: Final = ("leave_out", "paths", "tables")
"""The fields with a list of values."""
_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "live": (r"", gettext_noop("A restore to the live system takes no name.")),
    "folder": (
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
        gettext_noop(
            "It must be a folder name of letters, digits, dots, dashes and underscores, at most 100 characters."
        ),
    ),
    "database": (
        r"[A-Za-z][A-Za-z0-9_]{0,62}",
        gettext_noop("It must be a letter, followed by up to 62 letters, digits and underscores."),
    ),
}


class PathField(TextField):
    """The path of a file or folder in a backup, normalized."""

    def to_internal_value(self, data: Any) -> str:
        try:
            path = path_of(super().to_internal_value(data))
        except RequestRefused as error:
            raise serializers.ValidationError(str(error)) from error
        if not path:
            raise serializers.ValidationError(gettext("This path is the whole backup. To restore it, omit `paths`."))
        if is_withheld(path):
            raise serializers.ValidationError(
                gettext(
                    "Files below project/ contain secrets of the installation and cannot be restored over HTTP. To"
                    " restore them, run `restore_backup --to-folder --path`, which needs the passphrase."
                )
            )
        return text_of(path)


class ChoicesSerializer(StrictSerializer):
    """The parts to restore, and the target: the live system, or a new folder or database with this `name`."""

    target = serializers.ChoiceField(list(_NAMES), default="live")
    name = serializers.CharField(
        max_length=100,
        default="",
        allow_blank=True,
        help_text="The name of a new folder in BACKUP_RESTORE_ROOT, or of a new database.",
    )
    only = serializers.ChoiceField(["database", "files"], default="", allow_blank=True)
    leave_out = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=1000,
        default=list,
        help_text="Not restored: tables of a portable package, or objects of a PostgreSQL database as the plan names"
        " them, such as extension:postgis.",
    )
    paths = serializers.ListField(
        child=PathField(max_length=4096, trim_whitespace=False),
        max_length=1000,
        default=list,
        help_text="To a folder: only these files and folders, as in `path` of the list of files.",
    )
    tables = serializers.ListField(
        child=serializers.CharField(max_length=200, trim_whitespace=False),
        max_length=1000,
        default=list,
        help_text="To a database: only these tables.",
    )
    safety_backup = serializers.BooleanField(default=True, help_text="Back up the live state first.")
    drop_access = serializers.BooleanField(
        allow_null=True,
        default=None,
        help_text="To the live database: remove all sessions and tokens before it goes live. Null: only those of"
        " packages of other systems; the plan says so.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        pattern, refusal = _NAMES[attrs["target"]]
        if not re.fullmatch(pattern, attrs["name"]):
            raise serializers.ValidationError({"name": gettext(refusal)})
        if attrs["target"] == "folder" and (attrs["only"] or attrs["leave_out"]):
            raise serializers.ValidationError(
                {
                    "target": gettext(
                        "To a `folder`, restore the whole backup or `paths`, without `only` and `leave_out`."
                    )
                }
            )
        if attrs["paths"] and attrs["target"] != "folder":
            raise serializers.ValidationError(
                {"paths": gettext("Single files and folders can only be restored to a `folder`.")}
            )
        if attrs["tables"] and attrs["target"] != "database":
            raise serializers.ValidationError(
                {"tables": gettext("Single tables can only be restored to a new `database`.")}
            )
        both = sorted({*attrs["tables"]} & {*attrs["leave_out"]})
        if both:
            raise serializers.ValidationError(
                {"leave_out": gettext("%(table)s is also in `tables`.") % {"table": both[0]}}
            )
        if attrs["drop_access"] is not None and (attrs["target"] != "live" or attrs["only"] == "files"):
            raise serializers.ValidationError({"drop_access": gettext("It applies only to the live database.")})
        return attrs

    def restore_request(self, **source: Any) -> RestoreRequest:
        """Return the request, after validation; `source` is the backup or upload that the address names."""
        single = {"backup", "upload", "target", "name", "only", "safety_backup", "drop_access"}
        names = single & set(self.validated_data)
        chosen = {name: self.validated_data[name] for name in names}
        several = {name: frozenset(self.validated_data[name]) for name in SEVERAL}
        return RestoreRequest(**{**chosen, **several, **source})


class SourceSerializer(ChoicesSerializer):
    """The same, with the source: a stored backup or an uploaded package."""

    backup = serializers.UUIDField(required=False, help_text="A job.")
    upload = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("backup" in attrs) == ("upload" in attrs):
            raise serializers.ValidationError({"backup": gettext("Give either a `backup` or an `upload`.")})
        return super().validate(attrs)


class ConfirmationSerializer(ChoicesSerializer):
    """A request to start a restore, if the address names the source."""

    confirm = serializers.CharField(
        max_length=300,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="For the live system: the exact name of the job or the uploaded file.",
    )
    plan = serializers.UUIDField(required=False, help_text="The operation whose plan was shown.")


class RestoreRequestSerializer(SourceSerializer, ConfirmationSerializer):
    """A request to start a restore."""


class RollbackSerializer(StrictSerializer):
    """The options of a rollback."""

    safety_backup = serializers.BooleanField(
        default=True,
        help_text="Back up the live state first. Without it, everything written since the restore is lost.",
    )


class RestoreSerializer(RowSerializer):
    """A restore. `operation` is the operation that runs it, if the catalogue knows it; `progress` is its progress."""

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
        found = restore_operation(row)
        return None if found is None else str(found.uuid)

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, row: RestoreJob) -> dict[str, object] | None:
        found = restore_operation(row)
        return None if found is None or found.status != OperationStatus.RUNNING else found.progress or None


class PhaseSerializer(ApiSerializer):
    """A phase that has ended."""

    phase = serializers.CharField()
    started_at = TimestampField()
    seconds = serializers.FloatField()


class TableChangeSerializer(ApiSerializer):
    """A table that was written to."""

    database = serializers.CharField()
    table = serializers.CharField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    written = serializers.IntegerField(
        allow_null=True, help_text="Rows that were added or changed; null if this kind of database does not count them."
    )


class RootChangeSerializer(ApiSerializer):
    """A file root that was written to; the first of the new or changed files are in `examples`."""

    # The framework has a property of that name, which a declared field leaves alone.
    root = serializers.CharField()  # type: ignore[assignment]
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    written = serializers.IntegerField()
    examples = serializers.ListField(child=serializers.CharField())


class ChangesSerializer(ApiSerializer):
    """Data written between the backup of the live state and the swap; it exists only in the replaced data."""

    since = TimestampField()
    tables = TableChangeSerializer(many=True)
    files = RootChangeSerializer(many=True)
    unknown = serializers.ListField(child=serializers.CharField(), help_text="The parts that could not be compared.")
    uncounted = serializers.ListField(
        child=serializers.CharField(), help_text="Databases whose changed rows are not counted, only added ones."
    )


class RestoreDetailSerializer(RestoreSerializer):
    """A restore with its plan, its phases and their times, counts and notes."""

    plan = serializers.DictField(help_text="The plan as shown, and after the start as executed.")
    phases = PhaseSerializer(many=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Databases, files and bytes.")
    log = serializers.ListField(child=serializers.CharField())
    changes = serializers.SerializerMethodField()

    class Meta(RestoreSerializer.Meta):
        fields = [*RestoreSerializer.Meta.fields, "plan", "phases", "counts", "log", "changes"]
        read_only_fields = fields

    @extend_schema_field(ChangesSerializer(allow_null=True))
    def get_changes(self, row: RestoreJob) -> dict[str, object] | None:
        # Rows of earlier versions lack newer fields.
        return msgspec.convert(row.changes, Changes).to_json() if row.changes else None


class BegunSerializer(ApiSerializer):
    """A requested restore, and the operation that runs it."""

    restore = RestoreDetailSerializer()
    operation = OperationSerializer()


def restore_operation(row: RestoreJob) -> Operation | None:
    """Return the operation that runs a restore, if the catalogue has one."""
    return next((one for one in row.operations.all() if one.kind == OperationKind.RESTORE), None)
