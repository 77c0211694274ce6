"""The OpenAPI document of the EDMS API, for the types of the front end: `python -m config.openapi`."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

import django

_SETTINGS: Final = {
    "TITLE": "EDMS",
    "DESCRIPTION": "Session and documents. The backup API has its own OpenAPI document.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SCHEMA_PATH_PREFIX": "",
    "SERVERS": [],
}


def document() -> dict[str, Any]:
    """Return the whole document; its paths are below `/api/v1`."""
    from django.urls import include, path  # noqa: PLC0415  Django is set up by then
    from drf_spectacular.generators import SchemaGenerator  # noqa: PLC0415
    from drf_spectacular.settings import patched_settings  # noqa: PLC0415

    from .session import PERMISSIONS, SessionView  # noqa: PLC0415

    patterns = [path("session/", SessionView.as_view()), path("documents/", include("apps.documents.api.urls"))]
    names = {"ENUM_NAME_OVERRIDES": {"Permission": [(name, name) for name in PERMISSIONS]}}
    with patched_settings({**_SETTINGS, **names}):
        generator: Any = SchemaGenerator
        made: dict[str, Any] = generator(patterns=patterns).get_schema(request=None, public=True)
    return made


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True))
