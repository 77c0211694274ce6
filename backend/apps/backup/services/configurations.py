"""Writes to the configurations."""

import dataclasses

from django.core.exceptions import ValidationError
from django.db import transaction

from ..errors import RequestRefused
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupType, Frequency
from ..storage import resolve_place


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationValues:
    """What a new configuration is made of."""

    name: str
    backup_type: str = BackupType.FULL
    frequency: str = Frequency.ON_DEMAND
    description: str = ""
    storage_path: str = ""
    retention_days: int = 30
    max_backups: int = 30
    compression_enabled: bool = True
    encryption_enabled: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def configuration_create(values: ConfigurationValues) -> BackupConfiguration:
    """Write a configuration; raises `RequestRefused` that names the wrong field, `StorageRefused` for a bad path."""
    resolve_place(values.storage_path, encrypted=values.encryption_enabled)
    columns = dataclasses.asdict(values)
    columns["include"], columns["exclude"] = list(values.include), list(values.exclude)
    configuration = BackupConfiguration(**columns)
    with ledger_access("creating a configuration"), transaction.atomic(using=ledger_alias()):
        try:
            configuration.full_clean()
        except ValidationError as error:
            faults = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
            raise RequestRefused(f"The configuration {values.name!r} cannot be made: {faults}") from error
        configuration.save(force_insert=True)
    return configuration
