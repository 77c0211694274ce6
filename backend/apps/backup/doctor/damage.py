"""Check the known damage in the catalogue: how it affects the backups, and how to repair it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.paths import first_of
from ..models import RepositoryDamage
from ..selectors.damages import FILES
from .findings import Finding, critical, warning

_MOST_NAMED = 3


def damage_findings(rows: Sequence[RepositoryDamage], doubted: int) -> Iterator[Finding]:
    """W030: backups need damaged data. W031: no backup needs the damaged data. W032: damaged files are skipped.

    `rows` is the damage that remains, `doubted` the number of backups that need any of it.
    """
    for location in sorted({row.location for row in rows}):
        here = [row for row in rows if row.location == location]
        needed = [row for row in here if row.kind not in FILES and row.healed_at is None and row.is_needed is not False]
        healed = [row for row in here if row.kind not in FILES and row not in needed]
        files = [row for row in here if row.kind in FILES]
        if needed:
            first = needed[0]
            yield critical(
                30,
                location,
                f"{len(needed)} damaged packs or blobs were found, the first on {first.found_at:%Y-%m-%d}"
                f" ({first.get_found_by_display().lower()}): {first.reason} {doubted} backups need them.",
                _way_out(needed, location),
            )
        if healed:
            yield warning(
                31,
                location,
                f"The index lists {len({row.file_id for row in healed})} damaged packs. No backup needs the damaged"
                f" data in them. The first: {healed[0].reason}",
                "The next backup removes them, if nothing else uses the repository at that time. Or run"
                f" `strongroom repair packs --damaged --repo {location}`.",
            )
        if files:
            first = files[0]
            command = "snapshots --forget" if all(row.kind == "snapshot" for row in files) else "index"
            yield warning(
                32,
                location,
                f"{len(files)} index or snapshot files cannot be read, the first is {first.kind}/{first.file_id[:8]}.",
                f"Copy them back from a copy of the storage, or run `strongroom repair {command} --repo {location}`.",
            )


def damaged_findings(names: Sequence[str]) -> Iterator[Finding]:
    """W030 for single damaged backups: packages, and snapshots that differ from their source."""
    if names:
        yield critical(
            30,
            "damaged backups",
            f"{len(names)} backups were found damaged: {first_of(names, count=len(names), most=_MOST_NAMED)}.",
            "Copy the package back from a copy of the storage, and run `verify_backup` for it. If there is no copy, run"
            " the configuration again, and remove the damaged backup: `backup_jobs --remove`.",
        )


def _way_out(needed: Sequence[RepositoryDamage], location: str) -> str:
    usual = (
        "Run a FULL backup: it stores damaged data again if the source still has it. `backup_jobs` shows the backups"
        f" that stay DAMAGED. `strongroom repair packs --damaged --repo {location}` saves the data that is intact."
    )
    if all(row.file_id for row in needed):
        return usual
    return (
        "If an index file is lost, copy it back from a copy of the storage, or run"
        f" `strongroom repair index --repo {location}`, which rebuilds it from the headers of the packs."
        f" Otherwise: {usual}"
    )
