"""The EDMS with an application of its own: every column type, and what no model knows of."""

import json
import os
import sys
from pathlib import Path

if os.environ.get("HOST_HIDES_PSYCOPG"):
    # As if it were not installed: Django takes psycopg2 then.
    sys.modules["psycopg"] = None

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "hostproject", *os.environ.get("HOST_APPS", "").split()]

if os.environ.get("HOST_POSTGRESQL_BIN"):
    BACKUP_POSTGRESQL_BIN = os.environ["HOST_POSTGRESQL_BIN"]
if os.environ.get("HOST_FACT_FILE"):
    BACKUP_FACT_FILES = [os.environ["HOST_FACT_FILE"]]
if os.environ.get("HOST_EXTRA_ROOT"):
    BACKUP_FILE_ROOTS = {"extra": Path(os.environ["HOST_EXTRA_ROOT"])}
if os.environ.get("HOST_ENGINE"):
    DATABASES["default"]["ENGINE"] = os.environ["HOST_ENGINE"]  # noqa: F405
if os.environ.get("HOST_NAME"):
    DATABASES["default"]["NAME"] = os.environ["HOST_NAME"]  # noqa: F405
BACKUP_REBUILD_AFTER_RESTORE = list(filter(None, [os.environ.get("HOST_REBUILDS")]))
for service in os.environ.get("HOST_SERVICES", "").split():
    DATABASES[service] = {  # noqa: F405
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("HOST_SERVICE_NAME", ""),
        "OPTIONS": {"service": service},
    }
if os.environ.get("HOST_HOLDS_NOTHING"):
    MIDDLEWARE = [name for name in MIDDLEWARE if not name.endswith("HoldWrites")]
BACKUP_REFERENCE_FIELDS = ["hostproject.Everything.path_text"]
if os.environ.get("HOST_REFERENCE_FIELDS"):
    BACKUP_REFERENCE_FIELDS = json.loads(os.environ["HOST_REFERENCE_FIELDS"])
BACKUP_SECRETS = ["HOST_SECRET"]
HOST_SECRET = os.environ.get("HOST_SECRET", "1234")
if os.environ.get("HOST_DEFERS_DELETES"):
    STORAGES = {
        "default": {"BACKEND": "apps.backup.deferred_deletes.DeferredDeletes"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
