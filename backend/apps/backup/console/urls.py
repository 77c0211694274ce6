"""The addresses of the console; a host can include them anywhere."""

from django.urls import re_path

from .views import console

app_name = "backup-console"

urlpatterns = [re_path(r"^(?P<path>.*)$", console, name="console")]
