from archive.views import documents
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path


def application(request: HttpRequest) -> HttpResponse:
    """The page of a single-page application, which has the routes."""
    return HttpResponse("<!doctype html><title>The host</title>")


urlpatterns = [
    path("", documents),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
    re_path(r"^.*$", application),
]
