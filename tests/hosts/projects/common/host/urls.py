from archive.views import documents
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", documents),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
]
