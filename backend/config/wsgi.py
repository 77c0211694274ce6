"""The entry point of WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application

from .loading import load_all

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
load_all()
