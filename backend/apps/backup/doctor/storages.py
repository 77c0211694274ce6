"""Whether what the ledger calls stored is stored: repositories, snapshots, packages."""

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
_CORRECT = "Set the right one in BACKUP_PASSWORD_COMMAND, BACKUP_PASSWORD_FILE or BACKUP_PASSWORD."


def presence_findings(present: Presence) -> Iterator[Finding]:
    """W026: a whole repository, or a folder of packages, is away. W027: single backups are."""
    for one in present.missing:
        # A package that was written elsewhere is the user's to move.
        if one.ours:
            yield _whole(one) if one.whole else _single(one)


def unseen_findings(present: Presence, *, now: datetime) -> Iterator[Finding]:
    """W041: for a day nobody has compared the packs of a repository with its index."""
    away = {one.repository for one in present.missing}
    for row in repositories_unseen(since=now - _UNSEEN):
        if row.pk not in away:
            since = row.packs_seen_at or row.first_seen_at
            yield warning(
                41,
                str(row),
                f"Its packs were last compared with its index on {in_utc(since):%Y-%m-%d}.",
                "Run `backup_health` from cron, or keep an agent running: both compare them, and log what keeps them"
                " from it.",
            )


def package_findings(present: Presence) -> Iterator[Finding]:
    """W040: packages that the passphrase does not open; critical where the newest is among them."""
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
        "Give the passphrase that they were sealed with. If that is an older one, run `backup_rekey"
        " --new-password-file` with it, which encrypts the packages in the storage anew; make those elsewhere anew."
        " If it is lost: `backup_jobs --remove`.",
    )


def passphrase_findings(alive: Sequence[Executor], scheduled: Sequence[BackupConfiguration]) -> Iterator[Finding]:
    """W028: the passphrase cannot be read, opens no key, or is proven by nothing; here, or where jobs run."""
    problems = passphrase_problems()
    for subject, reason in problems:
        yield critical(28, subject, reason, _CORRECT)
    for row in alive:
        said = str(row.facts.get("passphrase", ""))
        if said and said not in {reason for _, reason in problems}:
            yield critical(28, str(row), said, f"{_CORRECT} Restart it with that.")
    sealed = [one for one in scheduled if one.encryption_enabled]
    packages = [one for one in sealed if one.backup_type == BackupType.EXPORT]
    if not packages or len(packages) < len(sealed) or passphrase_source() is None or problems:
        # Where snapshots are stored as well, the first of them makes a repository, which proves it.
        return
    if not is_proven(read_passphrase()):
        yield critical(
            28,
            packages[0].name,
            "No encrypted repository and no person has proven the passphrase: its packages are refused.",
            "Run `manage.py backup_passphrase --confirm`.",
        )


def key_findings() -> Iterator[Finding]:
    """W044: a change of the passphrase was not released. W045: an old repository is kept."""
    for change in key_changes_open():
        subject = str(change)
        if change.old_key:
            yield warning(
                44,
                subject,
                f"The old passphrase still opens it, since {minute_in_utc(change.changed_at)}.",
                "Give the new one to all processes, then run `manage.py backup_rekey --release`.",
            )
        if change.replaced:
            yield warning(
                45,
                subject,
                f"The repository that it replaced is kept in {change.replaced!r}, beside it.",
                "If its backups are not found, run `backup_rekey` again as before, which completes it. When it has"
                " proved itself, run `manage.py backup_rekey --release`.",
            )


def _whole(one: Missing) -> Finding:
    newest = "" if one.newest is None else f", the newest of {minute_in_utc(one.newest)}"
    what = f"{one.reason} The ledger has {one.backups} backups there{newest}. None of them can be restored now."
    subject = f"storage {one.place}"
    if one.replaced:
        # A new one was begun with a person's yes, and has newer backups.
        hint = "If they are lost, take them out of the ledger: `backup_catalogue --rebuild --forget-missing`."
        return warning(26, subject, what, hint)
    lost = "If it is lost, move what is left of it away, and begin a new one: `trigger_backup … --new-repository`."
    return critical(26, subject, what, f"{one.remedy} {lost}".lstrip())


def _single(one: Missing) -> Finding:
    return critical(
        27,
        f"storage {one.place}",
        f"{one.reason} {one.backups} backups of the ledger are missing: {_names(one.jobs, one.backups)}.",
        f"{one.remedy} If that cannot be done: `backup_catalogue --rebuild --forget-missing`.",
    )


def _names(keys: Collection[int], count: int) -> str:
    """The newest of these jobs, and how many more there are."""
    return first_of([name for _, name, _ in job_names(keys, limit=_MOST_NAMED)], count=count, most=_MOST_NAMED)
