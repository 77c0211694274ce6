"""The choice of the earlier snapshot on which an INCREMENTAL or DIFFERENTIAL job builds."""

from strongroom.format.snapshot import Snapshot
from strongroom.repository import Repository

from ..backups.references import job_ref
from ..models import BackupJob, BackupType
from ..selectors import job_parent_candidates
from ..storage.locations import RepositoryPlace

_WANTED = {
    BackupType.INCREMENTAL: "good FULL, INCREMENTAL or DIFFERENTIAL backup",
    BackupType.DIFFERENTIAL: "good FULL backup",
}


def choose_parent(job: BackupJob, place: RepositoryPlace, repository: Repository) -> tuple[Snapshot | None, list[str]]:
    """Return the newest good backup of the same scope that is in the repository, and a warning if there is none.

    A parent only saves reading: without one everything is read, and the snapshot is just as complete. Jobs of other
    types have no parent, and no warning.
    """
    wanted = _WANTED.get(BackupType(job.backup_type))
    if wanted is None:
        return None, []
    present = {str(snapshot.id): snapshot for snapshot in repository.readable_snapshots()[0]}
    for candidate in job_parent_candidates(job):
        snapshot = present.get(candidate.snapshot_id)
        if snapshot is not None and job_ref(candidate).place == place:
            return snapshot, []
    scope = f"of the configuration {job.configuration_name!r}" if job.configuration_name else "made ad hoc"
    return None, [f"There is no {wanted} {scope} in this repository to build on: everything is read."]
