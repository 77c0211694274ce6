"""Check that the storages hold the backups that the catalogue lists: repositories, snapshots, packages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from strongroom.passphrase import passphrase_source, read_passphrase

from ..backups.passphrase_check import is_proven, passphrase_problems
from ..backups.presence import Missing, Presence
from ..core.paths import first_of
from ..core.timezones import in_utc, minute_in_utc
from ..models import BackupConfiguration, BackupType, Executor
from ..selectors import job_names, repositories_unseen
from ..selectors.repositories import key_changes_open
from .findings import Finding, critical, warning

_MOST_NAMED = 3
_UNSEEN = timedelta(days=1)
_CORRECT = "Set the right passphrase in BACKUP_PASSWORD_COMMAND, BACKUP_PASSWORD_FILE or BACKUP_PASSWORD."


def presence_findings(present: Presence) -> Iterator[Finding]:
    """W026: a whole repository, or a folder of packages, is missing. W027: single backups are missing."""
    for one in present.missing:
        # The user may move a package that was written outside the storage.
        if one.ours:
            yield _missing_storage(one) if one.whole else _missing_backups(one)


def unseen_findings(present: Presence, *, now: datetime) -> Iterator[Finding]:
    """W041: the packs of a repository were not compared with its index for a day."""
    away = {one.repository for one in present.missing}
    for row in repositories_unseen(since=now - _UNSEEN):
        if row.pk not in away:
            since = row.packs_seen_at or row.first_seen_at
            yield warning(
                41,
                str(row),
                f"Its packs were last compared with its index on {in_utc(since):%Y-%m-%d}.",
                "Run `backup_health` from cron, or keep an agent running: both compare them, and log errors that"
                " prevent it.",
            )


def package_findings(present: Presence) -> Iterator[Finding]:
    """W040: packages that the passphrase does not open; critical if the newest is among them."""
    if not present.locked:
        return
    keys = list(present.locked)
    newest = present.newest_sealed
    is_newest = newest is not None and newest in present.locked
    first = present.locked[newest if newest is not None and is_newest else keys[0]]
    make = critical if is_newest else warning
    yield make(
        40,
        "sealed packages",
        f"{first} Backups that cannot be opened now: {_names(keys, len(keys))}.",
        "Set the passphrase that encrypted them. If that is an older one, then change it with `backup_rekey"
        " --new-password-file`, which encrypts the packages in the storage again; make new packages elsewhere. If the"
        " passphrase is lost, remove these backups with `backup_jobs --remove`.",
    )


def passphrase_findings(alive: Sequence[Executor], scheduled: Sequence[BackupConfiguration]) -> Iterator[Finding]:
    """W028: the passphrase cannot be read, opens no key, or is not proven; in this process, or in an executor."""
    problems = passphrase_problems()
    for subject, reason in problems:
        yield critical(28, subject, reason, _CORRECT)
    for row in alive:
        reported = str(row.facts.get("passphrase", ""))
        if reported and reported not in {reason for _, reason in problems}:
            yield critical(28, str(row), reported, f"{_CORRECT} Restart the executor with it.")
    sealed = [one for one in scheduled if one.encryption_enabled]
    packages = [one for one in sealed if one.backup_type == BackupType.EXPORT]
    if not packages or len(packages) < len(sealed) or passphrase_source() is None or problems:
        # If snapshots are stored as well, the first one creates a repository, which proves the passphrase.
        return
    if not is_proven(read_passphrase()):
        yield critical(
            28,
            packages[0].name,
            "The passphrase is not proven by an encrypted repository or confirmed by a user: its packages are refused.",
            "Run `manage.py backup_passphrase --confirm`.",
        )


def key_findings() -> Iterator[Finding]:
    """W044: the old passphrase still works after a change. W045: a replaced repository is still kept."""
    for change in key_changes_open():
        subject = str(change)
        if change.old_key:
            yield warning(
                44,
                subject,
                f"The passphrase was changed on {minute_in_utc(change.changed_at)}, and the old one still opens it.",
                "Give the new passphrase to all processes, then run `manage.py backup_rekey --release`.",
            )
        if change.replaced:
            yield warning(
                45,
                subject,
                f"The repository that it replaced is kept beside it, in {change.replaced!r}.",
                "If backups are not found, run the same `backup_rekey` again, which completes the change. When the new"
                " repository works, run `manage.py backup_rekey --release`.",
            )


def _missing_storage(one: Missing) -> Finding:
    newest = "" if one.newest is None else f", the newest of {minute_in_utc(one.newest)}"
    what = f"{one.reason} The catalogue lists {one.backups} backups there{newest}. None of them can be restored now."
    subject = f"storage {one.place}"
    if one.replaced:
        # A user agreed to a new repository, which has newer backups.
        hint = "If they are lost, remove them from the catalogue: `backup_catalogue --rebuild --forget-missing`."
        return warning(26, subject, what, hint)
    lost = "If it is lost, move its remains away, and create a new repository: `trigger_backup … --new-repository`."
    return critical(26, subject, what, f"{one.remedy} {lost}".lstrip())


def _missing_backups(one: Missing) -> Finding:
    return critical(
        27,
        f"storage {one.place}",
        f"{one.reason} {one.backups} backups of the catalogue are missing: {_names(one.jobs, one.backups)}.",
        f"{one.remedy} If that is not possible, run `backup_catalogue --rebuild --forget-missing`.",
    )


def _names(keys: Collection[int], count: int) -> str:
    """Name the newest of these jobs, and say how many more there are."""
    return first_of([name for _, name, _ in job_names(keys, limit=_MOST_NAMED)], count=count, most=_MOST_NAMED)
