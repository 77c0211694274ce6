from archive.views import documents
from django.urls import include, path

urlpatterns = [
    path("", documents),
    path("accounts/", include("django.contrib.auth.urls")),
]
