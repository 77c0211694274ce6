"""The ledger to look at: rows are written by the services only."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from .models import BackupConfiguration, BackupJob, RestoreJob

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Model]
else:  # Django's own class takes no parameters.
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """No adding, changing or deleting: a state changed by hand would go past the lease and the audit."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  Django's signature
        return False


@admin.register(BackupConfiguration)
class BackupConfigurationAdmin(ReadOnlyAdmin):
    list_display = ["name", "backup_type", "frequency", "status", "is_enabled", "retention_days", "max_backups"]
    list_filter = ["backup_type", "frequency", "status", "is_enabled"]
    search_fields = ["name", "description"]


@admin.register(BackupJob)
class BackupJobAdmin(ReadOnlyAdmin):
    list_display = ["job_name", "backup_type", "status", "trust", "started_at", "completed_at", "backup_size"]
    list_filter = ["status", "trust", "backup_type", "trigger"]
    search_fields = ["uuid", "job_name", "snapshot_id", "configuration_name"]
    date_hierarchy = "queued_at"


@admin.register(RestoreJob)
class RestoreJobAdmin(ReadOnlyAdmin):
    list_display = ["uuid", "restore_type", "status", "rollback_state", "started_at", "completed_at"]
    list_filter = ["status", "restore_type", "rollback_state"]
    search_fields = ["uuid", "backup_reference"]
