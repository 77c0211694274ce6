"""The settings of the backup system, read and checked in one place.

BACKUP_STORAGE_ROOT       folder under which everything is stored (required)
BACKUP_STORAGE_ROOTS      further folders that a configuration's storage_path may lie in
BACKUP_EXECUTOR           the executor of jobs in the background: "agent" (default), "celery", "process" or "inline"
BACKUP_CELERY_QUEUE       the queue of our messages; default: the queue of Celery's routes
BACKUP_ATTEMPTS           attempts of a scheduled job; 3
BACKUP_CATCH_UP_HOURS     how late a missed slot still runs; default: until the next slot is due
BACKUP_TIME_LIMIT_MINUTES time limit of jobs whose configuration has none; default: no limit
BACKUP_FILE_ROOTS         {name: folder}: file trees to capture besides MEDIA_ROOT and the storages of FileFields
BACKUP_REFERENCE_FIELDS   {"app.Model.field": folder}: text fields that name files, and the folder of relative values
BACKUP_DOCUMENT_TITLES    {"app.Model.field": [lookups]}: the fields by which people know the document of a file
BACKUP_NOT_BACKED_UP      files and folders that are left out of the backups on purpose
BACKUP_REBUILD_AFTER_RESTORE  list of things to rebuild after a restore, in words: search indexes, caches
BACKUP_DERIVED_TABLES     virtual tables of SQLite that the application rebuilds from other tables
BACKUP_SECRETS            names of settings whose fingerprints go into the manifest
BACKUP_FACT_FILES         files such as .env, captured in encrypted repositories only
BACKUP_POSTGRESQL_BIN     folder of the PostgreSQL client programs
BACKUP_RESTORE_ROOT       folder in which the API restores to folders; "restored" in BACKUP_STORAGE_ROOT
BACKUP_FALLBACK_ROOT      folder for journals and copies while BACKUP_STORAGE_ROOT cannot be written; one in /var/tmp
BACKUP_UPLOAD_MAX_BYTES   limit for one uploaded package, and for all uploads of one person together; 1 TB
BACKUP_SECOND_PERSON      actions that take two people in the API: "restore", "delete"; none
BACKUP_TRUSTED_PROXIES    addresses and networks of proxies whose `X-Forwarded-For` is trusted; none
BACKUP_ACCESS_MODELS      ["app.Model"]: sessions and tokens besides the known ones, which a restore can remove; none
BACKUP_API_RATES          {"read", "change", "download": "600/min"}: requests of a user; None for no limit
"""

import dataclasses
import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from .errors import SettingsInvalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EXECUTORS = ("agent", "celery", "process", "inline")
SECOND_PERSON = ("restore", "delete")
RATES: Mapping[str, str | None] = {"read": "1200/min", "change": "120/min", "download": "120/min"}
_RATE = re.compile(r"[1-9][0-9]{0,5}/(s|sec|min|hour|day)")
_UPLOAD_MAX = 10**12


@dataclasses.dataclass(frozen=True, slots=True)
class BackupSettings:
    """Every setting of the backup system. Paths are absolute; links in them are not resolved."""

    storage_root: Path
    further_roots: tuple[Path, ...]
    executor: str
    celery_queue: str
    attempts: int
    catch_up: timedelta | None
    time_limit: timedelta | None
    file_roots: Mapping[str, Path]
    reference_fields: Mapping[str, Path | None]
    """The folder of relative values, by field; None is MEDIA_ROOT."""
    document_titles: Mapping[str, tuple[str, ...]]
    not_backed_up: tuple[Path, ...]
    rebuild_after_restore: tuple[str, ...]
    derived_tables: tuple[str, ...]
    secrets: tuple[str, ...]
    fact_files: tuple[Path, ...]
    postgresql_bin: Path | None
    restore_root: Path
    fallback_root: Path
    upload_max_bytes: int
    second_person: frozenset[str]
    rates: Mapping[str, str | None]
    trusted_proxies: tuple[Network, ...]
    access_models: tuple[str, ...]

    @property
    def roots(self) -> tuple[Path, ...]:
        """All folders that a storage path may lie in, the main one first."""
        return (self.storage_root, *self.further_roots)


def load() -> BackupSettings:
    """Read the settings. Raises `SettingsInvalid`, which names the setting and what it should be."""
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
    fallback_root = _value("BACKUP_FALLBACK_ROOT") or f"/var/tmp/edms-backup-{os.getuid()}"  # noqa: S108  kept private
    restore_root = _value("BACKUP_RESTORE_ROOT") or _path("BACKUP_STORAGE_ROOT", root) / "restored"
    upload_max = _number("BACKUP_UPLOAD_MAX_BYTES", most=10**18)
    return BackupSettings(
        storage_root=_path("BACKUP_STORAGE_ROOT", root),
        further_roots=_paths("BACKUP_STORAGE_ROOTS"),
        executor=str(executor),
        celery_queue=str(_value("BACKUP_CELERY_QUEUE") or ""),
        attempts=3 if attempts is None else max(1, int(attempts)),
        catch_up=None if catch_up is None else timedelta(hours=catch_up),
        time_limit=None if time_limit is None else timedelta(minutes=time_limit),
        file_roots=_named_paths("BACKUP_FILE_ROOTS"),
        reference_fields=_reference_fields(),
        document_titles=_document_titles(),
        not_backed_up=_paths("BACKUP_NOT_BACKED_UP"),
        rebuild_after_restore=_texts("BACKUP_REBUILD_AFTER_RESTORE"),
        derived_tables=_texts("BACKUP_DERIVED_TABLES"),
        secrets=_texts("BACKUP_SECRETS"),
        fact_files=_paths("BACKUP_FACT_FILES"),
        postgresql_bin=None if client_folder is None else _path("BACKUP_POSTGRESQL_BIN", client_folder),
        restore_root=_path("BACKUP_RESTORE_ROOT", restore_root),
        fallback_root=_path("BACKUP_FALLBACK_ROOT", fallback_root),
        upload_max_bytes=_UPLOAD_MAX if upload_max is None else int(upload_max),
        second_person=_second_person(),
        rates=_rates(),
        trusted_proxies=_networks("BACKUP_TRUSTED_PROXIES"),
        access_models=_texts("BACKUP_ACCESS_MODELS"),
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


def _number(name: str, *, most: int = 1_000_000) -> float | None:
    value = _value(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < most:
        raise SettingsInvalid(f"{name} is {value!r}; it must be a number greater than 0.")
    return value


def _sequence(name: str) -> list[object]:
    value = _value(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise SettingsInvalid(f"{name} holds {type(value).__name__}; it must be a list.")
    return list(value)


def _networks(name: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text) for text in _texts(name))
    except ValueError as error:
        raise SettingsInvalid(
            f"{name}: {error}; give addresses and networks, as in '10.0.0.5', '10.1.0.0/16'."
        ) from None


def _paths(name: str) -> tuple[Path, ...]:
    return tuple(_path(name, value) for value in _sequence(name))


def _texts(name: str) -> tuple[str, ...]:
    values = _sequence(name)
    for value in values:
        if not isinstance(value, str) or not value:
            raise SettingsInvalid(f"{name} holds {value!r}; it must be a list of names.")
    return tuple(str(value) for value in values)


def _reference_fields() -> Mapping[str, Path | None]:
    name = "BACKUP_REFERENCE_FIELDS"
    value = _value(name)
    if not isinstance(value, Mapping):
        return dict.fromkeys(_texts(name))
    if not all(isinstance(field, str) and field for field in value):
        raise SettingsInvalid(f"{name} is a dictionary of fields, written 'app.Model.field', and folders.")
    return {str(field): None if folder is None else _path(name, folder) for field, folder in value.items()}


def _document_titles() -> Mapping[str, tuple[str, ...]]:
    name = "BACKUP_DOCUMENT_TITLES"
    value = _value(name) or {}
    if not isinstance(value, Mapping) or not all(
        isinstance(fields, list | tuple) and all(isinstance(one, str) and one for one in fields)
        for fields in value.values()
    ):
        raise SettingsInvalid(f"{name} is a dictionary of fields, written 'app.Model.field', and lists of lookups.")
    return {str(field): tuple(fields) for field, fields in value.items()}


def _second_person() -> frozenset[str]:
    words = frozenset(_texts("BACKUP_SECOND_PERSON"))
    if words - set(SECOND_PERSON):
        raise SettingsInvalid(f"BACKUP_SECOND_PERSON is a list of what takes two people: {', '.join(SECOND_PERSON)}.")
    return words


def _rates() -> Mapping[str, str | None]:
    value = _value("BACKUP_API_RATES")
    if value is None:
        return RATES
    if not isinstance(value, Mapping) or set(value) - set(RATES):
        raise SettingsInvalid(f"BACKUP_API_RATES is a dictionary with some of the keys {', '.join(RATES)}.")
    for rate in value.values():
        if rate is not None and not (isinstance(rate, str) and _RATE.fullmatch(rate)):
            raise SettingsInvalid(f"BACKUP_API_RATES has {rate!r}; a rate is written as 600/min, None is no limit.")
    return {**RATES, **value}


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
