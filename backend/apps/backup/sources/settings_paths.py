"""Find the folders and key files that the host's settings name, such as an inbox or a store of documents."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from django.conf import global_settings
from django.conf import settings as project

from .project_folders import base_dir

_OURS: Final = "BACKUP_"
_OF_STORAGES: Final = "STORAGES"
"""The only setting of Django that can name folders of documents without a FileField."""
_FOLDER: Final = re.compile(r"_(DIR|DIRECTORY|FOLDER|PATH|ROOT)$")
"""Names of settings whose text may be a path relative to the project's folder."""
_KEY: Final = re.compile(r"(^|[^A-Z])(KEY|KEYFILE|CERT|CERTIFICATE|CREDENTIALS|SECRET)S?($|[^A-Z])", re.IGNORECASE)
_DEEPEST: Final = 3
"""Levels of nested settings, as in `HAYSTACK_CONNECTIONS["default"]["PATH"]`."""
_LONGEST: Final = 1000


def folders_in_settings() -> list[tuple[str, Path]]:
    """Return the existing folders that settings name, as (setting, resolved path).

    Of Django's settings only STORAGES counts, of those of the backup app none. A text counts if it is an absolute path.
    A folder may be named several times.
    """
    # `Path.is_dir` raises an error without permission to look.
    return [(label, path) for label, path in _all_paths() if os.path.isdir(path)]  # noqa: PTH112


def key_files_in_settings() -> list[tuple[str, Path]]:
    """Return the existing files that settings named after a key or a certificate name, as (setting, resolved path)."""
    return [(label, path) for label, path in _all_paths() if _KEY.search(label) and os.path.isfile(path)]  # noqa: PTH113


def _all_paths() -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for name in sorted(dir(project)):
        is_of_host = name == _OF_STORAGES or not hasattr(global_settings, name)
        if name.isupper() and is_of_host and not name.startswith(_OURS):
            found += _paths(name, getattr(project, name), _DEEPEST)
    return found


def _paths(label: str, value: object, depth: int) -> Iterator[tuple[str, Path]]:
    if isinstance(value, os.PathLike) or (isinstance(value, str) and 1 < len(value) <= _LONGEST):
        text = os.fsdecode(value)
        base = base_dir()
        if base is not None and (not isinstance(value, str) or text.startswith("./") or _FOLDER.search(label)):
            text = os.path.join(base, text)  # noqa: PTH118
        # A text that begins with a slash may also be a web address or a template.
        if text.startswith("/") and "\0" not in text:
            yield label, Path(os.path.realpath(text))
    elif depth and isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _paths(f"{label}[{key!r}]", inside, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for inside in value:
            yield from _paths(label, inside, depth - 1)
