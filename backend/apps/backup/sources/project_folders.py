"""Find the folders of a project that hold no documents: code, static files, caches, and the backups themselves."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings as project

from .. import conf

_OF_AN_APP: Final = ("templates", "static", "locale", "fixtures", "migrations", "management", "jinja2")
_OF_THE_SYSTEM: Final = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys"),
    *("/usr/bin", "/usr/include", "/usr/lib", "/usr/sbin", "/usr/share"),
)
_CODE: Final = frozenset({"__init__.py", "manage.py", "setup.py", "pyproject.toml", "package.json", ".git"})
"""Names that only a folder of source code has in it."""
_BUILT: Final = frozenset({"node_modules", "__pycache__"})


def base_dir() -> Path | None:
    """Return the project's folder: BASE_DIR, or the folder above its package of settings; None if both are unknown."""
    value = getattr(project, "BASE_DIR", None)
    if isinstance(value, str | os.PathLike) and value:
        return Path(os.path.realpath(value))
    name = getattr(project, "SETTINGS_MODULE", None) or os.environ.get("DJANGO_SETTINGS_MODULE", "")
    module = sys.modules.get(name)
    if module is None or not module.__file__:
        return None
    above = Path(os.path.realpath(module.__file__)).parents
    return next(folder for folder in above if not os.path.lexists(folder / "__init__.py"))


def not_backed_up() -> list[Path]:
    """Return the resolved paths that are left out of backups on purpose."""
    return [_resolved(path) for path in conf.load().not_backed_up]


def without_documents() -> list[Path]:
    """Return the resolved folders whose files do not count as documents of the host project."""
    return [_resolved(path) for path in (*_of_code(), *_of_django(), *_of_backups(), *_OF_THE_SYSTEM)]


def is_code(folder: Path) -> bool:
    """Return whether a folder has source code directly in it."""
    return any(os.path.lexists(folder / name) for name in _CODE)


def is_hidden(path: Path) -> bool:
    """Return whether a part of a path below the project's folder is hidden or built, as `.venv` or `node_modules`."""
    base = base_dir()
    if base is None or not path.is_relative_to(base):
        return False
    return any(part.startswith(".") or part in _BUILT for part in path.relative_to(base).parts)


def inside_any(path: Path, folders: Sequence[Path]) -> bool:
    """Return whether a path is one of these folders, or lies in one."""
    return any(path.is_relative_to(folder) for folder in folders)


def _of_code() -> Iterator[str | os.PathLike[str]]:
    yield from (*site.getsitepackages(), site.getusersitepackages())
    # Not the folder of the virtual environment itself ("data"): a project may lie in it.
    yield from (path for name, path in sysconfig.get_paths().items() if name != "data")
    base = base_dir()
    above = [Path(config.path) for config in apps.get_app_configs()] + ([] if base is None else [base])
    yield from (folder / name for folder in above for name in _OF_AN_APP)


def _of_django() -> Iterator[str | os.PathLike[str]]:
    """Yield the folders of static files, templates, translations, fixtures and caches that the settings name."""
    for template in project.TEMPLATES:
        folders = template.get("DIRS")
        yield from folders if isinstance(folders, list | tuple) else ()
    for entry in project.STATICFILES_DIRS:
        # Either a folder, or a prefix and a folder.
        yield entry[1] if isinstance(entry, list | tuple) else entry
    yield from (*project.LOCALE_PATHS, *project.FIXTURE_DIRS)
    yield from (path for path in (project.STATIC_ROOT, project.FILE_UPLOAD_TEMP_DIR) if path)
    for cache in project.CACHES.values():
        place = cache.get("LOCATION")
        if isinstance(place, os.PathLike) or (isinstance(place, str) and place.startswith("/")):
            yield place


def _of_backups() -> Iterator[Path]:
    settings = conf.load()
    yield from (*settings.roots, settings.restore_root, settings.fallback_root)


def _resolved(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.realpath(path))
