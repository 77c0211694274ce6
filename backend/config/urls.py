"""The URLs of the EDMS."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from .pages import edms
from .session import SessionView, admin_sign_in

# The console is a part of the EDMS page. The models of the backup app find it by this name.
console = ([re_path(r"^(?P<path>.*)$", edms, name="console")], "backup-console")

urlpatterns = [
    path("", RedirectView.as_view(url="app/")),
    path("app/admin/backup/", include(console)),
    re_path(r"^app/(?P<path>.*)$", edms, name="edms"),
    path("admin/login/", admin_sign_in),
    path("admin/", admin.site.urls),
    path("api/v1/session/", SessionView.as_view(), name="session"),
    path("api/v1/documents/", include("apps.documents.api.urls")),
    path("api/v1/backup/", include("apps.backup.api.urls")),
]
