"""The catalogue in Django's admin, read only: the services alone write rows."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from .models import AuditEvent, BackupConfiguration, BackupJob, Executor, JobEvent, Operation, PruneRun, RestoreJob

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Model]
    _TabularInline = admin.TabularInline[Model, Model]
else:  # Django's own classes take no parameters.
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline


def _console_address() -> str:
    """Return the address of the console; "" in a project without it."""
    try:
        return reverse("backup-console:console", args=[""])
    except NoReverseMatch:
        return ""


class ReadOnlyAdmin(_ModelAdmin):
    """A list without adding, changing or deleting: a change by hand would bypass the lease and the audit trail.

    Users act in the console, to which each list has a link.
    """

    change_list_template = "admin/backup/change_list.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        more = {**(extra_context or {}), "console_address": _console_address()}
        shown: HttpResponse = super().changelist_view(request, more)
        return shown

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  Django's signature
        return False


@admin.register(BackupConfiguration)
class BackupConfigurationAdmin(ReadOnlyAdmin):
    list_display = ["name", "backup_type", "frequency", "is_enabled", "next_slot", "retention_days", "max_backups"]
    list_filter = ["backup_type", "frequency", "status", "is_enabled"]
    search_fields = ["name", "description"]


class JobEventInline(_TabularInline):
    """A job's log."""

    model = JobEvent
    extra = 0
    fields = ["at", "text"]
    readonly_fields = ["at", "text"]
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  Django's signature
        return False


@admin.register(BackupJob)
class BackupJobAdmin(ReadOnlyAdmin):
    list_display = ["job_name", "backup_type", "status", "trust", "slot", "started_at", "completed_at", "backup_size"]
    inlines = [JobEventInline]
    list_filter = ["status", "trust", "backup_type", "trigger"]
    search_fields = ["uuid", "job_name", "snapshot_id", "configuration_name"]
    date_hierarchy = "queued_at"
    # Only useful for guessing passphrases.
    exclude = ["sealed_with"]


@admin.register(RestoreJob)
class RestoreJobAdmin(ReadOnlyAdmin):
    list_display = ["uuid", "restore_type", "status", "rollback_state", "started_at", "completed_at"]
    list_filter = ["status", "restore_type", "rollback_state"]
    search_fields = ["uuid", "backup_reference"]


@admin.register(Executor)
class ExecutorAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "kind", "started_at", "beat_at"]
    list_filter = ["kind"]


@admin.register(PruneRun)
class PruneRunAdmin(ReadOnlyAdmin):
    list_display = ["repository", "status", "started_at", "completed_at", "freed_bytes"]
    list_filter = ["status"]


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    list_display = ["kind", "subject", "status", "requested_by_name", "queued_at", "completed_at"]
    list_filter = ["kind", "status"]
    search_fields = ["uuid", "subject"]


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["sequence", "at", "actor", "address", "action", "object_name"]
    list_filter = ["action", "origin"]
    search_fields = ["actor", "object_key", "object_name"]
    ordering = ["-sequence"]
