"""The request of a job, a copy of its configuration's values in the job's row."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta

from .. import conf
from ..models import BackupConfiguration, BackupType
from ..storage.stored_paths import storage_relative


@dataclasses.dataclass(frozen=True, slots=True)
class JobRequest:
    """The settings of one job; a later change of its configuration does not reach it.

    `output` is the package file to write instead of a snapshot, or empty. `minutes` is its time limit, None for that of
    the settings. `new_repository` allows a new repository in a place where the catalogue has backups in another one.
    """

    backup_type: str
    storage_path: str = ""
    compression: bool = True
    encryption: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    output: str = ""
    minutes: int | None = None
    new_repository: bool = False

    @classmethod
    def of_configuration(cls, configuration: BackupConfiguration) -> "JobRequest":
        """Return the request of a configuration's present values."""
        return cls(
            backup_type=configuration.backup_type,
            storage_path=configuration.storage_path,
            compression=configuration.compression_enabled,
            encryption=configuration.encryption_enabled,
            include=tuple(configuration.include),
            exclude=tuple(configuration.exclude),
            minutes=configuration.time_limit_minutes,
        )

    def to_json(self) -> dict[str, object]:
        """The form in which it is kept in the job's row; the type has a column of its own."""
        values = dataclasses.asdict(self)
        del values["backup_type"]
        values["storage_path"] = storage_relative(self.storage_path)
        return values

    @classmethod
    def from_json(cls, backup_type: str, values: Mapping[str, object]) -> "JobRequest":
        """Return the request that `to_json` wrote."""
        include, exclude, minutes = values.get("include"), values.get("exclude"), values.get("minutes")
        return cls(
            backup_type=backup_type,
            storage_path=str(values.get("storage_path", "")),
            compression=bool(values.get("compression", True)),
            encryption=bool(values.get("encryption", True)),
            include=tuple(map(str, include)) if isinstance(include, list | tuple) else (),
            exclude=tuple(map(str, exclude)) if isinstance(exclude, list | tuple) else (),
            output=str(values.get("output", "")),
            minutes=minutes if isinstance(minutes, int) else None,
            new_repository=bool(values.get("new_repository", False)),
        )

    def time_limit(self) -> timedelta | None:
        """Return the time limit of the job; None for no limit."""
        return conf.load().time_limit if self.minutes is None else timedelta(minutes=self.minutes)

    @property
    def makes_package(self) -> bool:
        """Whether the result is a package file and no snapshot."""
        return bool(self.output) or self.backup_type == BackupType.EXPORT
