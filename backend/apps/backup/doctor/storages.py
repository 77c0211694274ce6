"""Whether what the ledger calls stored is stored: repositories, snapshots, packages."""

from __future__ import annotations

from collections.abc import Iterator

from ..moments import in_utc
from ..presence import Missing, Presence
from ..selectors import job_names
from .findings import Finding, critical, warning

_MOST_NAMED = 3


def presence_findings(present: Presence) -> Iterator[Finding]:
    """W026: a whole repository, or a folder of packages, is away. W027: single backups are."""
    for one in present.missing:
        # A package that was written elsewhere is the user's to move.
        if one.ours:
            yield _whole(one) if one.whole else _single(one)


def _whole(one: Missing) -> Finding:
    what = (
        f"{one.reason} The ledger has {one.backups} backups there, the newest of"
        f" {in_utc(one.newest):%Y-%m-%d %H:%M} UTC. None of them can be restored now."
    )
    subject = f"storage {one.place}"
    if one.replaced:
        # A new one was begun with a person's yes, and has newer backups.
        hint = "If they are lost, take them out of the ledger: `backup_catalogue --rebuild --forget-missing`."
        return warning(26, subject, what, hint)
    return critical(
        26,
        subject,
        what,
        "Mount the storage, or put the repository back. If it is lost: `trigger_backup … --new-repository`.",
    )


def _single(one: Missing) -> Finding:
    named = ", ".join(name for _, name, _ in job_names(one.jobs, limit=_MOST_NAMED))
    more = f" and {one.backups - _MOST_NAMED} more" if one.backups > _MOST_NAMED else ""
    return critical(
        27,
        f"storage {one.place}",
        f"{one.reason} {one.backups} backups of the ledger are missing: {named}{more}.",
        "Put back what was taken away. If it is lost: `backup_catalogue --rebuild --forget-missing`.",
    )
