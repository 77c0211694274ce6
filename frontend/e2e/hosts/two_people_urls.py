"""The addresses that docs/reference/console.md has for any project of Django's."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/backup/", include("apps.backup.api.urls")),
    path("backups/", include("apps.backup.console.urls")),
]
