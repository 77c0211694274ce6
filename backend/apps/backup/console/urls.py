"""The addresses of the console; a host includes them wherever it wants to have it."""

from django.urls import re_path

from .views import console

app_name = "backup-console"

urlpatterns = [re_path(r"^(?P<path>.*)$", console, name="console")]
