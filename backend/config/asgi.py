"""The door for ASGI servers."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

from .environment import flag

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_asgi_application()
if flag("EDMS_SERVE_STATIC"):
    # `make serve`: one process on loopback, which hands out the static files besides, without debugging.
    application = ASGIStaticFilesHandler(application)
