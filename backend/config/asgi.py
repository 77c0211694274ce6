"""The entry point of ASGI servers."""

import os

import django
from django.core.handlers.asgi import ASGIHandler

from .environment import flag
from .loading import load_all
from .static import StaticFiles
from .streaming import StreamingHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)
application: ASGIHandler = StreamingHandler()
if flag("EDMS_SERVE_STATIC"):
    # `make serve`: one process on loopback, which also serves the static files, without debugging.
    application = StaticFiles(application)
load_all()
