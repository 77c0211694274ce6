"""The API of the backups and the addresses that give tokens. The console is a page of React of the project's own."""

from django.urls import include, path
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

urlpatterns = [
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/v1/backup/", include("edms_backup.api.urls")),
]
