from django.urls import include, path  # noqa: F401  for the lines of the page, which come below
from host.urls import urlpatterns  # noqa: F401
