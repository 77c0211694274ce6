"""URLs of the documents API; the project includes them at `/api/v1/documents/`."""

from django.urls import URLPattern, path

from .documents import ContentView, DocumentsView, DocumentView, VersionsView

app_name = "documents-api"

urlpatterns: list[URLPattern] = [
    path("", DocumentsView.as_view(), name="documents"),
    path("<uuid:id>/", DocumentView.as_view(), name="document"),
    path("<uuid:id>/versions/", VersionsView.as_view(), name="versions"),
    path("versions/<uuid:id>/content/", ContentView.as_view(), name="content"),
]
