from archive.views import documents
from django.urls import include, path
from rest_framework_simplejwt.views import TokenObtainPairView

urlpatterns = [
    path("", documents),
    path("api/", include([path("token/", TokenObtainPairView.as_view())])),
]
