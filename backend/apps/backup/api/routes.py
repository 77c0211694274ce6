"""All addresses of the API, except the OpenAPI document and its page."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern

from . import (
    acknowledgements,
    audit,
    backups,
    configurations,
    contents,
    documents,
    events,
    installation,
    jobs,
    operations,
    restore_from_file,
    restore_watch,
    restores,
    statistics,
    system,
    uploads,
)

ADDRESSES: Final[list[URLPattern]] = [
    *configurations.urlpatterns,
    *jobs.urlpatterns,
    *backups.urlpatterns,
    *contents.urlpatterns,
    *documents.urlpatterns,
    *operations.urlpatterns,
    *restores.urlpatterns,
    *restore_watch.urlpatterns,
    *uploads.urlpatterns,
    *restore_from_file.urlpatterns,
    *acknowledgements.urlpatterns,
    *audit.urlpatterns,
    *events.urlpatterns,
    *system.urlpatterns,
    *statistics.urlpatterns,
    *installation.urlpatterns,
]
