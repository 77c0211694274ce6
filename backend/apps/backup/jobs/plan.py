"""The plan of a backup: a dry run shows it, and every run checks it first."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

from strongroom.packages import message_passphrase
from strongroom.passphrase import passphrase_source

from .. import conf
from ..backups.passphrase_check import require_proven
from ..errors import RequestRefused
from ..models import BackupConfiguration, BackupJob, BackupType, Trigger
from ..policies.job_request import JobRequest
from ..services.jobs import job_name_prefix
from ..services.repositories import open_for_plan
from ..sources.consistency_point import PORTABLE
from ..sources.databases import database_aliases
from ..sources.engines.registry import engine_of
from ..storage.locations import PLAIN_PACKAGE, SEALED_PACKAGE, RepositoryPlace, choose_place
from .capture import package_path
from .parent import choose_parent

_WITHOUT_DATABASES = (BackupType.FILES,)
_WITHOUT_FILES = (BackupType.DATABASE,)


@dataclasses.dataclass(frozen=True, slots=True)
class BackupPlan:
    """The plan of one backup. Its target is either the repository `place` or the file `package`."""

    backup_type: str
    configuration: str
    databases: tuple[str, ...]
    dumped_by: tuple[str, ...]
    files: bool
    encrypted: bool
    compressed: bool
    place: RepositoryPlace | None
    package: Path | None
    repository_exists: bool = False
    parent: str = ""
    passphrase_source: str = ""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the plan as plain values."""
        values = dataclasses.asdict(self)
        values["place"] = str(self.place.path) if self.place else None
        values["package"] = str(self.package) if self.package else None
        return values


def require_possible(request: JobRequest) -> None:
    """Raise `RequestRefused` or a similar error if the job cannot succeed. Writes nothing.

    Reads settings, the passphrase, keys and names only.
    """
    place = choose_place(request.storage_path, encrypted=request.encryption)
    if request.backup_type not in BackupType.values:
        raise RequestRefused(f"There is no backup type {request.backup_type!r}; use {', '.join(BackupType.values)}.")
    if request.output:
        _require_output(Path(request.output), encrypted=request.encryption)
    passphrase = place.passphrase()
    if request.makes_package and request.encryption:
        message_passphrase(passphrase)
        require_proven(passphrase, place.storage, by_hand=True)


def require_runnable(configuration: BackupConfiguration) -> None:
    """Refuse to start a configuration whose job cannot succeed, as far as this process can see.

    If other processes run the jobs, perhaps only they have the passphrase, so that it is not checked here.
    """
    request = JobRequest.of_configuration(configuration)
    if conf.load().executor in {"process", "inline"}:
        require_possible(request)
    else:
        choose_place(request.storage_path, encrypted=request.encryption)


def _require_output(path: Path, *, encrypted: bool) -> None:
    if path.name.endswith(SEALED_PACKAGE) and not encrypted:
        raise RequestRefused(
            f"The output {str(path)!r} names an encrypted package, and no encryption is asked for; leave"
            f" --no-encryption away, or name it {PLAIN_PACKAGE}."
        )
    if path.name.endswith(PLAIN_PACKAGE) and encrypted:
        raise RequestRefused(
            f"Encryption is on, and a {PLAIN_PACKAGE} package is not encrypted. Let the name of the output end in"
            f" {SEALED_PACKAGE}, or add --no-encryption."
        )
    if not path.name.endswith((PLAIN_PACKAGE, SEALED_PACKAGE)):
        raise RequestRefused(
            f"The output {str(path)!r} is no package: its name must end in {PLAIN_PACKAGE} or {SEALED_PACKAGE}."
        )
    if path.exists() or path.is_symlink():
        raise RequestRefused(f"The file {str(path)!r} exists and is not overwritten; choose another name.")
    if not path.parent.is_dir():
        raise RequestRefused(f"The folder {str(path.parent)!r} does not exist; make it first.")


def plan_backup(request: JobRequest, configuration: BackupConfiguration | None) -> BackupPlan:
    """Return the plan of a backup; write nothing. Raises the errors that would prevent the backup."""
    require_possible(request)
    job = BackupJob(
        configuration=configuration,
        configuration_name=configuration.name if configuration else "",
        job_name=f"{job_name_prefix(request, configuration, Trigger.MANUAL)}-<time>",
        backup_type=request.backup_type,
        settings=request.to_json(),
    )
    databases = _databases(request.backup_type)
    place = None if request.makes_package else choose_place(request.storage_path, encrypted=request.encryption)
    parent = ""
    warnings: list[str] = []
    repository = None if place is None else open_for_plan(job, place, may_begin=request.new_repository)
    if place is not None and repository is not None:
        found, warnings = choose_parent(job, place, repository)
        parent = found.id if found else ""
    return BackupPlan(
        backup_type=request.backup_type,
        configuration=job.configuration_name,
        databases=databases,
        dumped_by=() if request.backup_type == PORTABLE else tuple(dict.fromkeys(_client_programs(databases))),
        files=request.backup_type not in _WITHOUT_FILES,
        encrypted=request.encryption,
        compressed=request.compression,
        place=place,
        package=package_path(job, request) if request.makes_package else None,
        repository_exists=repository is not None,
        parent=parent,
        passphrase_source=(passphrase_source() or "") if request.encryption else "",
        warnings=tuple(warnings),
    )


def _client_programs(aliases: Iterable[str]) -> Iterator[str]:
    """Return the programs that would dump these databases. Raises `ClientMissing`, `SourceRefused`."""
    return (program for alias in aliases for program in engine_of(alias).client_programs(alias))


def _databases(backup_type: str) -> tuple[str, ...]:
    if backup_type in _WITHOUT_DATABASES:
        return ()
    return tuple(database_aliases(portable=backup_type == BackupType.EXPORT))
