"""Settings as a user pastes them: those that are there, with what is to be added."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings as project

from .. import conf
from ..sources.files import file_roots
from ..sources.named_files import reference_fields
from ..sources.project_folders import base_dir


def expression(path: Path) -> str:
    """A path as Python writes it; below BASE_DIR where the project has that as a `Path`."""
    base = base_dir()
    if base is None or not isinstance(project.BASE_DIR, Path) or not path.is_relative_to(base):
        return _text(str(path))
    return " / ".join(["BASE_DIR", *map(_text, path.relative_to(base).parts)])


def with_roots(folders: Sequence[Path]) -> str:
    """BACKUP_FILE_ROOTS with these folders added, under names that are free."""
    settings = conf.load()
    roots = dict(settings.file_roots)
    taken = {root.name for root in file_roots(reference_fields(settings.reference_fields))} | roots.keys()
    for folder in folders:
        name, number = folder.name, 2
        while name in taken:
            name, number = f"{folder.name}-{number}", number + 1
        taken.add(name)
        roots[name] = folder
    return _dictionary("BACKUP_FILE_ROOTS", {name: expression(_resolved(path)) for name, path in roots.items()})


def with_fields(bases: Mapping[str, Path]) -> str:
    """BACKUP_REFERENCE_FIELDS with these fields added, and the folders that their values start from."""
    fields = {**conf.load().reference_fields, **bases}
    written = {name: "None" if path is None else expression(_resolved(path)) for name, path in fields.items()}
    return _dictionary("BACKUP_REFERENCE_FIELDS", written)


def _dictionary(name: str, values: Mapping[str, str]) -> str:
    return f"{name} = {{{', '.join(f'{_text(key)}: {value}' for key, value in values.items())}}}"


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))
