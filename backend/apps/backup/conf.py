"""The settings of the backup system, read and checked in one place.

BACKUP_STORAGE_ROOT       folder under which everything is stored (required)
BACKUP_STORAGE_ROOTS      further folders that a configuration's storage_path may lie in
BACKUP_EXECUTOR           who runs the jobs that nobody waits for: "agent" (default), "celery", "process" or "inline"
BACKUP_CELERY_QUEUE       the queue of our messages; without it the one that Celery's routes say
BACKUP_ATTEMPTS           how often a scheduled job is tried; 3
BACKUP_CATCH_UP_HOURS     how late a missed slot is still run; without it until the next slot is due
BACKUP_TIME_LIMIT_MINUTES how long a job may run whose configuration does not say; without it as long as it takes
BACKUP_FILE_ROOTS         {name: folder}: file trees to capture besides MEDIA_ROOT and the storages of FileFields
BACKUP_REFERENCE_FIELDS   ["app.Model.field"]: text fields that name files
BACKUP_SECRETS            names of settings whose fingerprints go into the manifest
BACKUP_FACT_FILES         files such as .env, captured in encrypted repositories only
BACKUP_POSTGRESQL_BIN     folder of the PostgreSQL client programs
"""

import dataclasses
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from .errors import SettingsInvalid

EXECUTORS = ("agent", "celery", "process", "inline")


@dataclasses.dataclass(frozen=True, slots=True)
class BackupSettings:
    """Every setting of the backup system; paths are absolute, not yet resolved."""

    storage_root: Path
    further_roots: tuple[Path, ...]
    executor: str
    celery_queue: str
    attempts: int
    catch_up: timedelta | None
    time_limit: timedelta | None
    file_roots: Mapping[str, Path]
    reference_fields: tuple[str, ...]
    secrets: tuple[str, ...]
    fact_files: tuple[Path, ...]
    postgresql_bin: Path | None

    @property
    def roots(self) -> tuple[Path, ...]:
        """All folders that a storage path may lie in, the main one first."""
        return (self.storage_root, *self.further_roots)


def load() -> BackupSettings:
    """Read the settings; raises `SettingsInvalid` that names the setting and what it should be."""
    root = _value("BACKUP_STORAGE_ROOT")
    if root is None:
        raise SettingsInvalid("BACKUP_STORAGE_ROOT is not set; set it to the folder that is to hold the backups.")
    executor = _value("BACKUP_EXECUTOR") or EXECUTORS[0]
    if executor not in EXECUTORS:
        raise SettingsInvalid(f"BACKUP_EXECUTOR is {executor!r}; it must be one of {', '.join(EXECUTORS)}.")
    client_folder = _value("BACKUP_POSTGRESQL_BIN")
    catch_up = _number("BACKUP_CATCH_UP_HOURS")
    time_limit = _number("BACKUP_TIME_LIMIT_MINUTES")
    attempts = _number("BACKUP_ATTEMPTS")
    return BackupSettings(
        storage_root=_path("BACKUP_STORAGE_ROOT", root),
        further_roots=_paths("BACKUP_STORAGE_ROOTS"),
        executor=str(executor),
        celery_queue=str(_value("BACKUP_CELERY_QUEUE") or ""),
        attempts=3 if attempts is None else max(1, int(attempts)),
        catch_up=None if catch_up is None else timedelta(hours=catch_up),
        time_limit=None if time_limit is None else timedelta(minutes=time_limit),
        file_roots=_named_paths("BACKUP_FILE_ROOTS"),
        reference_fields=_texts("BACKUP_REFERENCE_FIELDS"),
        secrets=_texts("BACKUP_SECRETS"),
        fact_files=_paths("BACKUP_FACT_FILES"),
        postgresql_bin=None if client_folder is None else _path("BACKUP_POSTGRESQL_BIN", client_folder),
    )


def _value(name: str) -> object | None:
    value: object = getattr(settings, name, None)
    return None if value == "" else value


def _path(name: str, value: object) -> Path:
    if not isinstance(value, str | os.PathLike):
        raise SettingsInvalid(f"{name} holds {type(value).__name__}; it must be a path.")
    path = Path(os.fspath(value)).expanduser()
    if not path.is_absolute():
        raise SettingsInvalid(f"{name} holds the relative path {str(path)!r}; give an absolute one.")
    return path


def _number(name: str) -> float | None:
    value = _value(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1_000_000:
        raise SettingsInvalid(f"{name} is {value!r}; it must be a number greater than 0.")
    return value


def _sequence(name: str) -> list[object]:
    value = _value(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise SettingsInvalid(f"{name} holds {type(value).__name__}; it must be a list.")
    return list(value)


def _paths(name: str) -> tuple[Path, ...]:
    return tuple(_path(name, value) for value in _sequence(name))


def _texts(name: str) -> tuple[str, ...]:
    values = _sequence(name)
    for value in values:
        if not isinstance(value, str) or not value:
            raise SettingsInvalid(f"{name} holds {value!r}; it must be a list of names.")
    return tuple(str(value) for value in values)


def _named_paths(name: str) -> dict[str, Path]:
    value = _value(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SettingsInvalid(f"{name} holds {type(value).__name__}; it must be a dictionary of names and folders.")
    for key in value:
        # A root's name becomes a folder name inside every snapshot.
        if not isinstance(key, str) or not key or "/" in key or "\0" in key or key in {".", ".."}:
            raise SettingsInvalid(f"{name} has the name {key!r}; a name must be usable as a folder name.")
    return {str(key): _path(name, path) for key, path in value.items()}
