"""The addresses of the API; a host includes them at `/api/v1/backup/`."""

from django.urls import URLPattern, re_path

from . import audit, configurations, contents, jobs
from .views import Nowhere

app_name = "backup-api"

urlpatterns: list[URLPattern] = [
    *configurations.urlpatterns,
    *jobs.urlpatterns,
    *contents.urlpatterns,
    *audit.urlpatterns,
    # The last: whatever is no address is refused as everything else is, by rights first.
    re_path(r"", Nowhere.as_view(), name="nowhere"),
]
