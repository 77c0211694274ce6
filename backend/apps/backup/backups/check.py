"""Check a whole repository, and record the damage that is found."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from strongroom.checker import CheckProgress, CheckReport, check

from ..core.progress import Tracker
from ..models import DamageFinder
from ..services.damages import damage_found
from ..storage.locations import RepositoryPlace


def check_repository(
    place: RepositoryPlace, *, read_data: bool, tracker: Tracker, tick: Callable[[], None]
) -> CheckReport:
    """Check the structure of a repository; with `read_data`, read every byte. Backups that need lost data are DAMAGED.

    Damage is a finding. Raises the error that keeps the repository from being opened. `tick` is called now and then.
    """

    def progress(now: CheckProgress) -> None:
        tracker.reached(bytes_done=now.bytes_done, total_bytes=now.bytes_total)
        tick()

    repository = place.open()
    with repository.lock(optional=True):
        tracker.begin("checking")
        report = check(repository, read_data=read_data, progress=progress)
        damage_found(repository, report.damage, found_by=DamageFinder.VERIFY, now=timezone.now(), tick=tick)
    return report
