"""Write settings for the user to paste: the current value with the entries to be added."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings as project

from .. import conf
from ..sources.file_references import reference_fields
from ..sources.files import file_roots
from ..sources.project_folders import base_dir


def expression(path: Path) -> str:
    """Return a path as a Python expression, relative to BASE_DIR if the project has that as a `Path`."""
    base = base_dir()
    if base is None or not isinstance(getattr(project, "BASE_DIR", None), Path) or not path.is_relative_to(base):
        return _text(str(path))
    return " / ".join(["BASE_DIR", *map(_text, path.relative_to(base).parts)])


def with_roots(folders: Sequence[Path]) -> str:
    """Return BACKUP_FILE_ROOTS with these folders added, under names that are free."""
    roots = {**conf.load().file_roots, **_named(folders)}
    return _dictionary("BACKUP_FILE_ROOTS", {name: expression(_resolved(path)) for name, path in roots.items()})


def with_name(folder: Path) -> str:
    """Return one entry of BACKUP_FILE_ROOTS for this folder, under a name that is free."""
    (name,) = _named([folder])
    return f"{_text(name)}: {expression(folder)}"


def _named(folders: Sequence[Path]) -> dict[str, Path]:
    settings = conf.load()
    taken = {root.name for root in file_roots(reference_fields(settings.reference_fields))} | settings.file_roots.keys()
    named: dict[str, Path] = {}
    for folder in folders:
        name, number = folder.name, 2
        while name in taken | named.keys():
            name, number = f"{folder.name}-{number}", number + 1
        named[name] = folder
    return named


def with_fields(bases: Mapping[str, Path]) -> str:
    """Return BACKUP_REFERENCE_FIELDS with these fields added, each with the folder that its values are relative to."""
    fields = {**conf.load().reference_fields, **bases}
    written = {name: "None" if path is None else expression(_resolved(path)) for name, path in fields.items()}
    return _dictionary("BACKUP_REFERENCE_FIELDS", written)


def _dictionary(name: str, values: Mapping[str, str]) -> str:
    return f"{name} = {{{', '.join(f'{_text(key)}: {value}' for key, value in values.items())}}}"


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))
