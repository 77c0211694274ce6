"""A host whose own API has versions, times and documents of another kind, and, if it is told so, no time zones."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [name for name in INSTALLED_APPS if not name.startswith("drf_spectacular")]
REST_FRAMEWORK = {
    "ALLOWED_VERSIONS": ["v7"],
    "COERCE_BIGINT_TO_STRING": True,
    "DATETIME_FORMAT": "%d.%m.%Y",
    "DATETIME_INPUT_FORMATS": ["%d.%m.%Y"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
    "NON_FIELD_ERRORS_KEY": "everything",
    "TIME_FORMAT": "%H",
}
TIME_ZONE = "Europe/Berlin"
USE_TZ = os.environ["HOST_USE_TZ"] == "1"
