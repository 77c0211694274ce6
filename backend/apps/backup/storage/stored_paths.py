"""Paths of stored files: relative to the storage root in the catalogue, absolute in the program.

The storage can be moved to another mount, and the catalogue to another machine: files in BACKUP_STORAGE_ROOT are found
from the root that is set there. Paths outside of it stay as they are.
"""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from django.conf import settings
from django.db import models

from .. import conf


def storage_relative(path: str) -> str:
    """Return a path as the catalogue has it: relative to the storage root if it lies inside. A `/` at its end stays."""
    if not path.startswith("/"):
        return path
    for root in _roots():
        if path == root:
            return ""
        if path.startswith(root.rstrip("/") + "/"):
            return path[len(root.rstrip("/")) + 1 :]
    return path


def storage_absolute(path: str) -> str:
    """Return the absolute path for one that the catalogue stores; an empty one stays empty."""
    return os.path.join(_roots()[0], path) if path else path  # noqa: PTH118  called for each row


def _roots() -> tuple[str, str]:
    """Return the storage root with its links followed, and as it is set."""
    return _resolved(str(getattr(settings, "BACKUP_STORAGE_ROOT", "")), int(time.monotonic()))


@functools.lru_cache(maxsize=4)
def _resolved(_setting: str, _second: int) -> tuple[str, str]:
    """Resolve the root at most once a second: thousands of rows are read at once."""
    root = str(conf.load().storage_root)
    return os.path.realpath(root), root


class StoredPathField(models.CharField):  # type: ignore[type-arg]
    """The path of a file, which the database stores relative to the storage root if the file lies there."""

    def get_prep_value(self, value: Any) -> Any:  # noqa: ANN401  Django's signature
        prepared = super().get_prep_value(value)
        return storage_relative(prepared) if isinstance(prepared, str) else prepared

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        return storage_absolute(value) if value else value

    def deconstruct(self) -> Any:  # noqa: ANN401  Django's signature
        """Return the field as a CharField, which is all that migrations and the database know of it."""
        name, _, positional, named = super().deconstruct()
        return name, "django.db.models.CharField", positional, named
